using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 256 in 8 sub-blocks of 32. File: the header of <see cref="SubScales"/>, 32 bytes qh, 128 bytes qs. The low 4 bits of a value
/// lie in qs as in <see cref="Q4_K"/>; bit s of qh[l] is the fifth bit of value l of sub-block s. Value = d * scale * q - dmin * minimum.
/// </summary>
internal sealed unsafe class Q5_K() : BlockFormat(256, 176, TileSection.Words(16, 40), TileSection.Words(0, SubScales.Words))
{
    public static readonly Q5_K Format = new();

    public override LevelCoding Levels { get; } = new(LevelSum.OffsetHalves);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int panel, int firstRow, int endRow, float* to)
    {
        int block = panel / 8, sub = panel % 8;
        int* high = (int*)tile + (long)block * 40 * Rows, low = high + (8 + sub / 2 * 8) * Rows;
        int* header = (int*)tile + ((long)cols / 256 * 40 + (long)block * SubScales.Words) * Rows;
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            var (scale, offset) = SubScales.Of(header + r, sub);
            for (int w = 0; w < 8; w++)
            {
                Vector<int> bits = Vector.Load(low + w * Rows + r) >>> (4 * (sub & 1)) & new Vector<int>(0x0F0F0F0F)
                    | (Vector.Load(high + w * Rows + r) >>> sub & new Vector<int>(0x01010101)) << 4;
                Offset(bits, scale, offset, to + 4 * w * Rows + r);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Unpack(byte* tile, int cols, int panel, ref LevelPanels to)
    {
        int block = panel / 8;
        int* high = (int*)tile + (long)block * 40 * Rows, low = high + 8 * Rows;
        Vector<int> nibbles = new(0x0F0F0F0F), bits = new(0x10101010);
        for (int pair = 0; pair < 4; pair++)
            for (int at = 0; at < 8 * Rows; at += Vector<int>.Count)
            {
                Vector<int> word = Vector.Load(low + pair * 8 * Rows + at), fifth = Vector.Load(high + at) >>> (2 * pair);
                int* levels = to.WordMemory + pair * 16 * Rows + at;
                (word & nibbles | fifth << 4 & bits).Store(levels);
                (word >>> 4 & nibbles | fifth << 3 & bits).Store(levels + 8 * Rows);
            }
        SubScales.All((int*)tile + ((long)cols / 256 * 40 + (long)block * SubScales.Words) * Rows, to.Scales, to.Offsets);
    }
}
