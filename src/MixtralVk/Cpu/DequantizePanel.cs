using System.Numerics;
using System.Runtime.CompilerServices;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu;

/// <summary>
/// Turns 32 columns of a tile into floats, <c>[column][64 rows]</c>: the panel that the tile product multiplies with. Each register holds
/// one word of several rows, and each float is exactly the value its block stands for. Layouts: docs/design.md.
/// </summary>
internal static unsafe class DequantizePanel
{
    /// <summary>Columns of a panel.</summary>
    public const int Cols = 32;

    /// <summary>Floats of a panel.</summary>
    public const int Floats = Cols * Rows;

    private const int Rows = RowTileLayout.TileRows;

    /// <summary>Rows are dequantised in multiples of this many: a register of 16-bit scales.</summary>
    public static int RowGroup => Vector<ushort>.Count;

    /// <summary>
    /// Writes rows <paramref name="firstRow"/> .. + <paramref name="rowCount"/> (multiples of <see cref="RowGroup"/>) of a panel.
    /// Columns past the matrix are not written for F32 and F16.
    /// </summary>
    public static void Run(in RowTileLayout layout, byte* tile, int panel, int firstRow, int rowCount, float* destination)
    {
        int endRow = firstRow + rowCount;
        switch (layout.Format)
        {
            case WeightFormat.F32: F32(layout, tile, panel, firstRow, endRow, destination); break;
            case WeightFormat.F16: F16(layout, tile, panel, firstRow, endRow, destination); break;
            case WeightFormat.Q8_0: Q8_0(layout.Blocks, tile, panel, firstRow, endRow, destination); break;
            case WeightFormat.Q4_0: Q4_0(layout.Blocks, tile, panel, firstRow, endRow, destination); break;
            case WeightFormat.Q4_K: Q4_K(layout.Blocks, tile, panel, firstRow, endRow, destination); break;
            case WeightFormat.Q5_K: Q5_K(layout.Blocks, tile, panel, firstRow, endRow, destination); break;
            case WeightFormat.Q6_K: Q6_K(layout.Blocks, tile, panel, firstRow, endRow, destination); break;
        }
    }

    private static void F32(in RowTileLayout layout, byte* tile, int panel, int firstRow, int endRow, float* destination)
    {
        int cols = Math.Min(Cols, layout.Cols - panel * Cols);
        float* source = (float*)tile + (long)panel * Floats;
        for (int at = firstRow; at < cols * Rows; at += Rows)
            new ReadOnlySpan<float>(source + at, endRow - firstRow).CopyTo(new Span<float>(destination + at, endRow - firstRow));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void F16(in RowTileLayout layout, byte* tile, int panel, int firstRow, int endRow, float* destination)
    {
        int words = Math.Min(Cols / 2, layout.Blocks - panel * (Cols / 2));
        int* source = (int*)tile + (long)panel * (Cols / 2) * Rows;
        for (int w = 0; w < words; w++)
            for (int r = firstRow; r < endRow; r += Vector<int>.Count)
            {
                Vector<int> word = Vector.Load(source + w * Rows + r);
                Lanes.FromHalf(word & new Vector<int>(0xFFFF)).Store(destination + 2 * w * Rows + r);
                Lanes.FromHalf(word >>> 16).Store(destination + (2 * w + 1) * Rows + r);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q8_0(int blocks, byte* tile, int block, int firstRow, int endRow, float* destination)
    {
        int* words = (int*)tile + (long)block * 8 * Rows;
        float* scales = stackalloc float[Rows];
        Lanes.FromHalves((ushort*)((int*)tile + (long)blocks * 8 * Rows) + (long)block * Rows + firstRow, scales + firstRow, endRow - firstRow);
        for (int w = 0; w < 8; w++)
            for (int r = firstRow; r < endRow; r += Vector<int>.Count)
            {
                Vector<int> word = Vector.Load(words + w * Rows + r);
                Vector<float> scale = Vector.Load(scales + r);
                float* to = destination + 4 * w * Rows + r;
                (Vector.ConvertToSingle(word << 24 >> 24) * scale).Store(to);
                (Vector.ConvertToSingle(word << 16 >> 24) * scale).Store(to + Rows);
                (Vector.ConvertToSingle(word << 8 >> 24) * scale).Store(to + 2 * Rows);
                (Vector.ConvertToSingle(word >> 24) * scale).Store(to + 3 * Rows);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q4_0(int blocks, byte* tile, int block, int firstRow, int endRow, float* destination)
    {
        int* words = (int*)tile + (long)block * 4 * Rows;
        float* scales = stackalloc float[Rows];
        Lanes.FromHalves((ushort*)((int*)tile + (long)blocks * 4 * Rows) + (long)block * Rows + firstRow, scales + firstRow, endRow - firstRow);
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            Vector<float> scale = Vector.Load(scales + r), offset = scale * new Vector<float>(-8);   // (q - 8) * d = q * d - 8 * d, exactly
            for (int w = 0; w < 4; w++)
            {
                Vector<int> word = Vector.Load(words + w * Rows + r);
                Nibbles(word, scale, offset, destination + 4 * w * Rows + r);
                Nibbles(word >>> 4, scale, offset, destination + (16 + 4 * w) * Rows + r);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q4_K(int blocks, byte* tile, int panel, int firstRow, int endRow, float* destination)
    {
        int block = panel / 8, sub = panel % 8;
        int* words = (int*)tile + ((long)block * 32 + sub / 2 * 8) * Rows;
        int* header = (int*)tile + ((long)blocks * 32 + (long)block * 4) * Rows;
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            var (scale, offset) = SubScale(header + r, sub);
            for (int w = 0; w < 8; w++)
                Nibbles(Vector.Load(words + w * Rows + r) >>> (4 * (sub & 1)), scale, offset, destination + 4 * w * Rows + r);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q5_K(int blocks, byte* tile, int panel, int firstRow, int endRow, float* destination)
    {
        int block = panel / 8, sub = panel % 8;
        int* high = (int*)tile + (long)block * 40 * Rows, low = high + (8 + sub / 2 * 8) * Rows;
        int* header = (int*)tile + ((long)blocks * 40 + (long)block * 4) * Rows;
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            var (scale, offset) = SubScale(header + r, sub);
            for (int w = 0; w < 8; w++)
            {
                Vector<int> bits = Vector.Load(low + w * Rows + r) >>> (4 * (sub & 1)) & new Vector<int>(0x0F0F0F0F)
                    | (Vector.Load(high + w * Rows + r) >>> sub & new Vector<int>(0x01010101)) << 4;
                Bytes(bits, scale, offset, destination + 4 * w * Rows + r);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q6_K(int blocks, byte* tile, int panel, int firstRow, int endRow, float* destination)
    {
        int block = panel / 8, half = panel % 8 / 4, quarter = panel % 4;
        int* words = (int*)tile + (long)block * 48 * Rows;
        int* low = words + (half * 16 + (quarter & 1) * 8) * Rows, high = words + (32 + half * 8) * Rows;
        // The word with this panel's two scales.
        int* subScales = (int*)tile + ((long)blocks * 48 + (long)block * 4 + half * 2 + quarter / 2) * Rows;
        float* scales = stackalloc float[Rows];
        Lanes.FromHalves((ushort*)((int*)tile + (long)blocks * 52 * Rows) + (long)block * Rows + firstRow, scales + firstRow, endRow - firstRow);
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            Vector<float> d = Vector.Load(scales + r);
            Vector<int> pair = Vector.Load(subScales + r) >>> (16 * (quarter & 1));
            for (int w = 0; w < 8; w++)
            {
                Vector<float> scale = d * Vector.ConvertToSingle(w < 4 ? pair << 24 >> 24 : pair << 16 >> 24);
                Vector<int> bits = Vector.Load(low + w * Rows + r) >>> (4 * (quarter / 2)) & new Vector<int>(0x0F0F0F0F)
                    | (Vector.Load(high + w * Rows + r) >>> (2 * quarter) & new Vector<int>(0x03030303)) << 4;
                float* to = destination + 4 * w * Rows + r;
                (Centered(bits) * scale).Store(to);
                (Centered(bits >>> 8) * scale).Store(to + Rows);
                (Centered(bits >>> 16) * scale).Store(to + 2 * Rows);
                (Centered(bits >>> 24) * scale).Store(to + 3 * Rows);
            }
        }
    }

    /// <summary>d * scale and -dmin * minimum of a sub-block of Q4_K or Q5_K, whose four words of header are <see cref="Rows"/> apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector<float> Scale, Vector<float> Offset) SubScale(int* header, int sub)
    {
        Vector<int> d = Vector.Load(header), a = Vector.Load(header + Rows);
        Vector<int> b = Vector.Load(header + 2 * Rows), c = Vector.Load(header + 3 * Rows);
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
        return (Lanes.FromHalf(d & new Vector<int>(0xFFFF)) * Vector.ConvertToSingle(scaleBits),
            -(Lanes.FromHalf(d >>> 16) * Vector.ConvertToSingle(minimumBits)));
    }

    /// <summary>The low nibble of each byte of a word is a column: q * scale + offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Nibbles(Vector<int> word, Vector<float> scale, Vector<float> offset, float* to) =>
        Bytes(word & new Vector<int>(0x0F0F0F0F), scale, offset, to);

    /// <summary>Each byte of a word is a column: q * scale + offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Bytes(Vector<int> word, Vector<float> scale, Vector<float> offset, float* to)
    {
        var mask = new Vector<int>(255);
        Lanes.MultiplyAdd(Vector.ConvertToSingle(word & mask), scale, offset).Store(to);
        Lanes.MultiplyAdd(Vector.ConvertToSingle(word >>> 8 & mask), scale, offset).Store(to + Rows);
        Lanes.MultiplyAdd(Vector.ConvertToSingle(word >>> 16 & mask), scale, offset).Store(to + 2 * Rows);
        Lanes.MultiplyAdd(Vector.ConvertToSingle(word >>> 24), scale, offset).Store(to + 3 * Rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Centered(Vector<int> bits) => Vector.ConvertToSingle((bits & new Vector<int>(63)) - new Vector<int>(32));
}
