using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>Blocks of 32. File: f16 scale d, f16 offset m, 16 bytes of nibbles as in <see cref="Q4_0"/>; value = q * d + m.</summary>
internal sealed unsafe class Q4_1() : BlockFormat(32, 20, TileSection.Words(0, 5))
{
    public static readonly Q4_1 Format = new();

    public override LevelCoding Levels { get; } = new(LevelSum.Offset);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int block, int firstRow, int endRow, float* to)
    {
        int* header = (int*)tile + (long)block * 5 * Rows, words = header + Rows;
        var nibbles = new Vector<int>(0x0F0F0F0F);
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            var (scale, offset) = Halves(Vector.Load(header + r));
            for (int w = 0; w < 4; w++)
            {
                Vector<int> word = Vector.Load(words + w * Rows + r);
                Offset(word & nibbles, scale, offset, to + 4 * w * Rows + r);
                Offset(word >>> 4 & nibbles, scale, offset, to + (16 + 4 * w) * Rows + r);
            }
        }
    }

    public override void Unpack(byte* tile, int cols, int first, ref LevelPanels to)
    {
        int* header = (int*)tile + (long)first * 5 * Rows;
        to.Packing = LevelPacking.NibbleHalves;
        to.Words = header + Rows;
        to.WordStep = 5 * Rows;
        LevelWords.ScalesAndOffsets(header, to.WordStep, to);
    }
}
