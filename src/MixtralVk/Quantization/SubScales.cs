using System.Numerics;
using System.Runtime.CompilerServices;

namespace MixtralVk.Quantization;

/// <summary>
/// The header of Q4_K and Q5_K: f16 d, f16 dmin, and 12 bytes with a 6-bit scale and a 6-bit minimum for each of 8 sub-blocks. Bytes 0-3 hold
/// the scales of 0-3, bytes 4-7 their minima, both in the low six bits; bytes 8-11 the low nibbles of scale and minimum of 4-7, whose top two
/// bits are the top two of bytes 0-7.
/// </summary>
internal static unsafe class SubScales
{
    /// <summary>Words of the header.</summary>
    public const int Words = 4;

    /// <summary>d * scale and -dmin * minimum of a sub-block; the header's words are 64 apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<float> Scale, Vector<float> Offset) Of(int* header, int sub)
    {
        const int next = RowTileLayout.TileRows;
        var (d, dmin) = PanelColumns.Halves(Vector.Load(header));
        Vector<int> a = Vector.Load(header + next), b = Vector.Load(header + 2 * next), c = Vector.Load(header + 3 * next);
        Vector<int> scaleBits, minimumBits;
        if (sub < 4)
        {
            scaleBits = a >>> (8 * sub) & new Vector<int>(63);
            minimumBits = b >>> (8 * sub) & new Vector<int>(63);
        }
        else
        {
            int shift = 8 * (sub - 4);
            scaleBits = c >>> shift & new Vector<int>(15) | (a >>> (shift + 6) & new Vector<int>(3)) << 4;
            minimumBits = c >>> (shift + 4) & new Vector<int>(15) | (b >>> (shift + 6) & new Vector<int>(3)) << 4;
        }
        return (d * Vector.ConvertToSingle(scaleBits), -(dmin * Vector.ConvertToSingle(minimumBits)));
    }

    /// <summary>The same of all rows of a tile: those of all sub-blocks are computed with the first.</summary>
    public static void Of(int* header, int sub, ref LevelPanel to)
    {
        if (sub == 0) All(header, to.ScaleMemory, to.OffsetMemory);
        to.Scales = to.ScaleMemory + sub * RowTileLayout.TileRows;
        to.Offsets = to.OffsetMemory + sub * RowTileLayout.TileRows;
    }

    /// <summary>Scales and offsets of all sub-blocks, (8, 64) each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void All(int* header, float* scales, float* offsets)
    {
        const int next = RowTileLayout.TileRows;
        Vector<int> six = new(63), four = new(15), two = new(3);
        for (int r = 0; r < next; r += Vector<int>.Count)
        {
            var (d, dmin) = PanelColumns.Halves(Vector.Load(header + r));
            dmin = -dmin;
            Vector<int> a = Vector.Load(header + next + r), b = Vector.Load(header + 2 * next + r), c = Vector.Load(header + 3 * next + r);
            float* scale = scales + r, offset = offsets + r;
            for (int sub = 0; sub < 4; sub++, a >>>= 8, b >>>= 8, c >>>= 8, scale += next, offset += next)
            {
                (d * Vector.ConvertToSingle(a & six)).Store(scale);
                (dmin * Vector.ConvertToSingle(b & six)).Store(offset);
                (d * Vector.ConvertToSingle(c & four | (a >>> 6 & two) << 4)).Store(scale + 4 * next);
                (dmin * Vector.ConvertToSingle(c >>> 4 & four | (b >>> 6 & two) << 4)).Store(offset + 4 * next);
            }
        }
    }
}
