using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 256 in 16 sub-blocks of 16. File: 32 bytes hmask (third bits), 64 bytes qs (low 2 bits), 12 bytes of 6-bit scales, f16 d.
/// Column 128 * half + 32 * k + l (k = 0..3) has its low bits in bits 2k, 2k + 1 of qs[32 * half + l] and its third bit in bit 4 * half + k
/// of hmask[l]. Scale s has its low 4 bits in nibble s / 8 of byte s % 8 and its high 2 in bits 2 * (s / 4) onwards of byte 8 + s % 4.
/// Value = d * (scale - 32) * (q - 4).
/// </summary>
internal sealed unsafe class Q3_K() : BlockFormat(256, 110, TileSection.Words(0, 27), TileSection.Half(108))
{
    public static readonly Q3_K Format = new();

    public override LevelCoding Levels { get; } = new(LevelSum.ScaledHalves, Zero: 4);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int panel, int firstRow, int endRow, float* to)
    {
        int block = panel / 8, half = panel % 8 / 4, k = panel % 4;
        int* words = (int*)tile + (long)block * 27 * Rows;
        int* levels = words + (8 + half * 8) * Rows, lowScales = words + (24 + k / 2) * Rows, highScales = words + 26 * Rows;
        float* scales = stackalloc float[Rows];
        Scales((int*)tile + (long)cols / 256 * 27 * Rows, block, firstRow, endRow, scales);
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            Vector<float> d = Vector.Load(scales + r);
            Vector<int> pair = PairOfScales(Vector.Load(lowScales + r), Vector.Load(highScales + r), half, k);
            for (int w = 0; w < 8; w++)
            {
                Vector<float> scale = d * Vector.ConvertToSingle(((w < 4 ? pair : pair >>> 8) & new Vector<int>(63)) - new Vector<int>(32));
                Vector<int> bits = Vector.Load(levels + w * Rows + r) >>> (2 * k) & new Vector<int>(0x03030303)
                    | (Vector.Load(words + w * Rows + r) >>> (4 * half + k) & new Vector<int>(0x01010101)) << 2;
                Centred(bits, 4, scale, to + 4 * w * Rows + r);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Unpack(byte* tile, int cols, int panel, ref LevelPanels to)
    {
        int block = panel / 8;
        int* words = (int*)tile + (long)block * 27 * Rows, highScales = words + 26 * Rows;
        Vector<int> two = new(0x03030303), one = new(0x01010101), centre = new(32);
        for (int i = 0; i < LevelPanels.Most; i++)
        {
            int half = i / 4, k = i % 4;
            int* levels = words + (8 + half * 8) * Rows, lowScales = words + (24 + k / 2) * Rows;
            int* bytes = to.WordMemory + i * 8 * Rows, halfScales = to.HalfScales + i * 2 * Rows;
            for (int at = 0; at < 8 * Rows; at += Vector<int>.Count)
                (Vector.Load(levels + at) >>> (2 * k) & two | (Vector.Load(words + at) >>> (4 * half + k) & one) << 2).Store(bytes + at);
            for (int r = 0; r < Rows; r += Vector<int>.Count)
            {
                Vector<int> pair = PairOfScales(Vector.Load(lowScales + r), Vector.Load(highScales + r), half, k);
                LevelWords.InBothHalves((pair & new Vector<int>(63)) - centre).Store(halfScales + r);
                LevelWords.InBothHalves((pair >>> 8) - centre).Store(halfScales + Rows + r);
            }
        }
        to.ScaleStep = 0;
        Scales((int*)tile + (long)cols / 256 * 27 * Rows, block, 0, Rows, to.Scales);
    }

    /// <summary>The two scales of a panel, in bytes 0 and 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<int> PairOfScales(Vector<int> low, Vector<int> high, int half, int k) =>
        low >>> (4 * half + 16 * (k & 1)) & new Vector<int>(0x0F0F)
            | (high >>> (4 * half + k / 2 * 2 + 16 * (k & 1)) & new Vector<int>(0x0303)) << 4;
}
