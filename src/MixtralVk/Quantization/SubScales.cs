using System.Numerics;
using System.Runtime.CompilerServices;

namespace MixtralVk.Quantization;

/// <summary>
/// The header of Q4_K and Q5_K: f16 d, f16 dmin, and 12 bytes with a 6-bit scale and a 6-bit minimum for each of 8 sub-blocks. Bytes 0-3
/// hold the scales of 0-3, bytes 4-7 their minima, both in the low six bits; bytes 8-11 the low nibbles of scale and minimum of 4-7, whose
/// top two bits are the top two of bytes 0-7.
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

    /// <summary>The same of all sub-blocks and all rows of a tile, (8, 64) each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void All(int* header, float* scales, float* offsets)
    {
        const int next = RowTileLayout.TileRows;
        Vector<int> lowSix = new(0x3F3F3F3F), lowFour = new(0x0F0F0F0F), topTwo = new(0x30303030), one = new(255);
        for (int r = 0; r < next; r += Vector<int>.Count)
        {
            var (d, dmin) = PanelColumns.Halves(Vector.Load(header + r));
            dmin = -dmin;
            Vector<int> a = Vector.Load(header + next + r), b = Vector.Load(header + 2 * next + r), c = Vector.Load(header + 3 * next + r);
            // A byte each of four sub-blocks.
            Vector<int> scale = a & lowSix, scale4 = c & lowFour | a >>> 2 & topTwo, minimum = b & lowSix,
                minimum4 = c >>> 4 & lowFour | b >>> 2 & topTwo;
            float* toScale = scales + r, toOffset = offsets + r;
            for (int sub = 0; sub < 4; sub++, toScale += next, toOffset += next)
            {
                (d * Vector.ConvertToSingle(scale & one)).Store(toScale);
                (dmin * Vector.ConvertToSingle(minimum & one)).Store(toOffset);
                (d * Vector.ConvertToSingle(scale4 & one)).Store(toScale + 4 * next);
                (dmin * Vector.ConvertToSingle(minimum4 & one)).Store(toOffset + 4 * next);
                scale >>>= 8;
                minimum >>>= 8;
                scale4 >>>= 8;
                minimum4 >>>= 8;
            }
        }
    }
}
