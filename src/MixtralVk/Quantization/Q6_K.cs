using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 256 in 16 sub-blocks of 16. File: 128 bytes ql (low 4 bits), 64 bytes qh (high 2 bits), 16 signed bytes of sub-scales, f16 d.
/// In each half of 128 columns, column 32 * k + l (k = 0..3) has its low bits in nibble k / 2 of ql[32 * (k % 2) + l] and its high bits in
/// bits 2k, 2k + 1 of qh[l]. Value = d * scale * (q - 32).
/// </summary>
internal sealed unsafe class Q6_K() : BlockFormat(256, 210, TileSection.Words(0, 48), TileSection.Words(192, 4), TileSection.Half(208))
{
    public static readonly Q6_K Format = new();

    public override LevelCoding Levels { get; } = new(LevelSum.ScaledHalves, Zero: 32);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int panel, int firstRow, int endRow, float* to)
    {
        int blocks = cols / 256, block = panel / 8, half = panel % 8 / 4, k = panel % 4;
        int* words = (int*)tile + (long)block * 48 * Rows;
        int* low = words + (half * 16 + (k & 1) * 8) * Rows, high = words + (32 + half * 8) * Rows;
        // The word with this panel's two scales.
        int* subScales = (int*)tile + ((long)blocks * 48 + (long)block * 4 + half * 2 + k / 2) * Rows;
        float* scales = stackalloc float[Rows];
        Scales((int*)tile + (long)blocks * 52 * Rows, block, firstRow, endRow, scales);
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            Vector<float> d = Vector.Load(scales + r);
            Vector<int> pair = Vector.Load(subScales + r) >>> (16 * (k & 1));
            for (int w = 0; w < 8; w++)
            {
                Vector<float> scale = d * Vector.ConvertToSingle(w < 4 ? pair << 24 >> 24 : pair << 16 >> 24);
                Vector<int> bits = Vector.Load(low + w * Rows + r) >>> (4 * (k / 2)) & new Vector<int>(0x0F0F0F0F)
                    | (Vector.Load(high + w * Rows + r) >>> (2 * k) & new Vector<int>(0x03030303)) << 4;
                Centred(bits, 32, scale, to + 4 * w * Rows + r);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Unpack(byte* tile, int cols, int panel, ref LevelPanels to)
    {
        int blocks = cols / 256, block = panel / 8;
        int* words = (int*)tile + (long)block * 48 * Rows, subScales = (int*)tile + ((long)blocks * 48 + (long)block * 4) * Rows;
        for (int half = 0; half < 2; half++)
            SixBits(words + half * 16 * Rows, words + (32 + half * 8) * Rows, to.WordMemory + half * 32 * Rows);
        for (int word = 0; word < 4; word++)
            for (int r = 0; r < Rows; r += Vector<int>.Count)
            {
                Vector<int> four = Vector.Load(subScales + word * Rows + r);
                int* halfScales = to.HalfScales + word * 4 * Rows + r;
                LevelWords.InBothHalves(four).Store(halfScales);
                LevelWords.InBothHalves(four >>> 8).Store(halfScales + Rows);
                LevelWords.InBothHalves(four >>> 16).Store(halfScales + 2 * Rows);
                LevelWords.InBothHalves(four >>> 24).Store(halfScales + 3 * Rows);
            }
        to.ScaleStep = 0;
        Scales((int*)tile + (long)blocks * 52 * Rows, block, 0, Rows, to.Scales);
    }

    /// <summary>128 columns as bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixBits(int* low, int* high, int* levels)
    {
        const int panel = 8 * Rows;
        Vector<int> nibbles = new(0x0F0F0F0F), bits = new(0x30303030);
        for (int at = 0; at < panel; at += Vector<int>.Count, levels += Vector<int>.Count)
        {
            Vector<int> first = Vector.Load(low + at), second = Vector.Load(low + panel + at), top = Vector.Load(high + at);
            (first & nibbles | top << 4 & bits).Store(levels);
            (second & nibbles | top << 2 & bits).Store(levels + panel);
            (first >>> 4 & nibbles | top & bits).Store(levels + 2 * panel);
            (second >>> 4 & nibbles | top >>> 2 & bits).Store(levels + 3 * panel);
        }
    }
}
