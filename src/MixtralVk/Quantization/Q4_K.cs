using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 256 in 8 sub-blocks of 32. File: the header of <see cref="SubScales"/>, 128 bytes qs; each 32 bytes of qs hold two sub-blocks,
/// the even one in the low nibbles. Value = d * scale * q - dmin * minimum.
/// </summary>
internal sealed unsafe class Q4_K() : BlockFormat(256, 144, TileSection.Words(16, 32), TileSection.Words(0, SubScales.Words))
{
    public static readonly Q4_K Format = new();

    public override LevelCoding Levels { get; } = new(LevelSum.Offset);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int panel, int firstRow, int endRow, float* to)
    {
        int block = panel / 8, sub = panel % 8;
        int* words = (int*)tile + ((long)block * 32 + sub / 2 * 8) * Rows;
        int* header = (int*)tile + ((long)cols / 256 * 32 + (long)block * SubScales.Words) * Rows;
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            var (scale, offset) = SubScales.Of(header + r, sub);
            for (int w = 0; w < 8; w++)
                Offset(Vector.Load(words + w * Rows + r) >>> (4 * (sub & 1)) & new Vector<int>(0x0F0F0F0F), scale, offset,
                    to + 4 * w * Rows + r);
        }
    }

    public override void Unpack(byte* tile, int cols, int panel, ref LevelPanels to)
    {
        int block = panel / 8;
        to.Packing = LevelPacking.NibblePairs;
        to.Words = (int*)tile + (long)block * 32 * Rows;
        to.WordStep = 4 * Rows;
        SubScales.All((int*)tile + ((long)cols / 256 * 32 + (long)block * SubScales.Words) * Rows, to.Scales, to.Offsets);
    }
}
