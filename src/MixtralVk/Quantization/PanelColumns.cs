using System.Numerics;
using System.Runtime.CompilerServices;

namespace MixtralVk.Quantization;

/// <summary>
/// What the formats' <see cref="BlockFormat.Panel"/> is made of. A register holds one word of several rows, each of whose bytes is a
/// column; the columns of a panel lie <see cref="Rows"/> floats apart. Products of a level and a scale are exact in all formats, so it does
/// not matter whether a processor fuses the addition of an offset.
/// </summary>
internal static unsafe class PanelColumns
{
    /// <summary>Rows of a tile, the distance of two columns and of two words.</summary>
    public const int Rows = RowTileLayout.TileRows;

    /// <summary>Four columns: unsigned byte * scale + offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Offset(Vector<int> word, Vector<float> scale, Vector<float> offset, float* to)
    {
        var mask = new Vector<int>(255);
        Lanes.MultiplyAdd(Vector.ConvertToSingle(word & mask), scale, offset).Store(to);
        Lanes.MultiplyAdd(Vector.ConvertToSingle(word >>> 8 & mask), scale, offset).Store(to + Rows);
        Lanes.MultiplyAdd(Vector.ConvertToSingle(word >>> 16 & mask), scale, offset).Store(to + 2 * Rows);
        Lanes.MultiplyAdd(Vector.ConvertToSingle(word >>> 24), scale, offset).Store(to + 3 * Rows);
    }

    /// <summary>
    /// Four columns: (unsigned byte - centre) * scale. Not as byte * scale - centre * scale, which loses the sign of a zero.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Centred(Vector<int> word, int centre, Vector<float> scale, float* to)
    {
        Vector<int> mask = new(255), middle = new(centre);
        (Vector.ConvertToSingle((word & mask) - middle) * scale).Store(to);
        (Vector.ConvertToSingle((word >>> 8 & mask) - middle) * scale).Store(to + Rows);
        (Vector.ConvertToSingle((word >>> 16 & mask) - middle) * scale).Store(to + 2 * Rows);
        (Vector.ConvertToSingle((word >>> 24) - middle) * scale).Store(to + 3 * Rows);
    }

    /// <summary>Four columns: signed byte * scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Signed(Vector<int> word, Vector<float> scale, float* to)
    {
        (Vector.ConvertToSingle(word << 24 >> 24) * scale).Store(to);
        (Vector.ConvertToSingle(word << 16 >> 24) * scale).Store(to + Rows);
        (Vector.ConvertToSingle(word << 8 >> 24) * scale).Store(to + 2 * Rows);
        (Vector.ConvertToSingle(word >> 24) * scale).Store(to + 3 * Rows);
    }

    /// <summary>The two halves of a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<float> Low, Vector<float> High) Halves(Vector<int> word) =>
        (Lanes.FromHalf(word & new Vector<int>(0xFFFF)), Lanes.FromHalf(word >>> 16));

    /// <summary>The 16-bit scales of some rows of a block, as floats at the same rows of <paramref name="scales"/>.</summary>
    public static void Scales(int* section, int block, int firstRow, int endRow, float* scales) =>
        Lanes.FromHalves((ushort*)section + (long)block * Rows + firstRow, scales + firstRow, endRow - firstRow);
}
