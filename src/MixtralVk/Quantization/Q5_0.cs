using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 32. File: f16 scale d, 4 bytes of fifth bits (bit i for column i), 16 bytes of low nibbles as in <see cref="Q4_0"/>;
/// value = (q - 16) * d.
/// </summary>
internal sealed unsafe class Q5_0() : BlockFormat(32, 22, TileSection.Words(2, 5), TileSection.Half(0))
{
    public static readonly Q5_0 Format = new();

    public override LevelCoding Levels { get; } = new(LevelSum.Centred, Zero: 16);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int block, int firstRow, int endRow, float* to)
    {
        int* fifth = (int*)tile + (long)block * 5 * Rows, words = fifth + Rows;
        float* scales = stackalloc float[Rows];
        Scales((int*)tile + (long)cols / 32 * 5 * Rows, block, firstRow, endRow, scales);
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            Vector<float> scale = Vector.Load(scales + r);
            Vector<int> high = Vector.Load(fifth + r);
            for (int w = 0; w < 4; w++)
            {
                Vector<int> word = Vector.Load(words + w * Rows + r);
                Centred(FifthBits.Join(word, high >>> (4 * w)), 16, scale, to + 4 * w * Rows + r);
                Centred(FifthBits.Join(word >>> 4, high >>> (16 + 4 * w)), 16, scale, to + (16 + 4 * w) * Rows + r);
            }
        }
    }

    public override void Unpack(byte* tile, int cols, int first, ref LevelPanels to)
    {
        int* fifth = (int*)tile + (long)first * 5 * Rows;
        for (int i = 0; i < to.Count; i++, fifth += 5 * Rows) LevelWords.FiveBits(fifth, fifth + Rows, to.WordMemory + i * 8 * Rows);
        Scales((int*)tile + (long)cols / 32 * 5 * Rows, first, 0, to.Count * Rows, to.Scales);
    }
}
