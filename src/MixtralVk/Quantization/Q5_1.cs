using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 32. File: f16 scale d, f16 offset m, 4 bytes of fifth bits (bit i for column i), 16 bytes of low nibbles as in
/// <see cref="Q4_0"/>; value = q * d + m.
/// </summary>
internal sealed unsafe class Q5_1() : BlockFormat(32, 24, TileSection.Words(0, 6))
{
    public static readonly Q5_1 Format = new();

    public override LevelCoding Levels { get; } = new(LevelSum.OffsetHalves);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int block, int firstRow, int endRow, float* to)
    {
        int* header = (int*)tile + (long)block * 6 * Rows, fifth = header + Rows, words = header + 2 * Rows;
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            var (scale, offset) = Halves(Vector.Load(header + r));
            Vector<int> high = Vector.Load(fifth + r);
            for (int w = 0; w < 4; w++)
            {
                Vector<int> word = Vector.Load(words + w * Rows + r);
                Offset(FifthBits.Join(word, high >>> (4 * w)), scale, offset, to + 4 * w * Rows + r);
                Offset(FifthBits.Join(word >>> 4, high >>> (16 + 4 * w)), scale, offset, to + (16 + 4 * w) * Rows + r);
            }
        }
    }

    public override void Unpack(byte* tile, int cols, int first, ref LevelPanels to)
    {
        int* header = (int*)tile + (long)first * 6 * Rows;
        LevelWords.ScalesAndOffsets(header, 6 * Rows, to);
        for (int i = 0; i < to.Count; i++, header += 6 * Rows)
            LevelWords.FiveBits(header + Rows, header + 2 * Rows, to.WordMemory + i * 8 * Rows);
    }
}
