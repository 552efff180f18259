using System.Numerics;
using System.Runtime.CompilerServices;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu;

/// <summary>
/// The inner product of all matrix kernels: 64 rows by a few tokens. Summation order of every output, whatever the token count, the
/// threads and the register width: columns ascending within each 32, those sums added ascending.
/// </summary>
internal static unsafe class TileProduct
{
    /// <summary>Most tokens of a call: their sums stay in the first-level cache beside the panel.</summary>
    public const int MaxTokens = 32;

    /// <summary>Floats that <see cref="Run"/> writes its sums to.</summary>
    public const int SumFloats = MaxTokens * Rows;

    private const int Rows = RowTileLayout.TileRows;

    /// <summary>
    /// sums[t][row] = sum over columns of tile[row][column] * inputs[t][column]; each panel is dequantised once for all tokens.
    /// </summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="tile">Index of the tile.</param>
    /// <param name="inputs">One row of activations per token.</param>
    /// <param name="tokens">At most <see cref="MaxTokens"/>.</param>
    /// <param name="sums">(tokens, 64)</param>
    [SkipLocalsInit]
    public static void Run(in TiledMatrix matrix, int tile, float** inputs, int tokens, float* sums)
    {
        RowTileLayout layout = matrix.Layout;
        byte* data = matrix.Tile(tile);
        float* scratch = stackalloc float[DequantizePanel.Floats + 16];
        scratch = (float*)((nint)(scratch + 15) & ~(nint)63);
        new Span<float>(sums, tokens * Rows).Clear();
        for (int panel = 0, col = 0; col < layout.Cols; panel++, col += DequantizePanel.Cols)
        {
            float* weights = scratch;
            if (layout.Format == WeightFormat.F32) weights = (float*)data + (long)col * Rows;   // has the form of panels already
            else DequantizePanel.Run(layout, data, panel, 0, Rows, scratch);
            int cols = Math.Min(DequantizePanel.Cols, layout.Cols - col), t = 0;
            for (; t <= tokens - 4; t += 4)
                FourTokens(weights, cols, inputs[t] + col, inputs[t + 1] + col, inputs[t + 2] + col, inputs[t + 3] + col, sums + t * Rows);
            for (; t < tokens; t++) OneToken(weights, cols, inputs[t] + col, sums + t * Rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneToken(float* weights, int cols, float* input, float* sums)
    {
        int lanes = Vector<float>.Count;
        for (int r = 0; r < Rows; r += 4 * lanes)
        {
            Vector<float> a = Vector<float>.Zero, b = a, c = a, d = a;
            for (int col = 0; col < cols; col++)
            {
                float* w = weights + col * Rows + r;
                var x = new Vector<float>(input[col]);
                a = Lanes.MultiplyAdd(Vector.Load(w), x, a);
                b = Lanes.MultiplyAdd(Vector.Load(w + lanes), x, b);
                c = Lanes.MultiplyAdd(Vector.Load(w + 2 * lanes), x, c);
                d = Lanes.MultiplyAdd(Vector.Load(w + 3 * lanes), x, d);
            }
            Add(a, sums + r);
            Add(b, sums + r + lanes);
            Add(c, sums + r + 2 * lanes);
            Add(d, sums + r + 3 * lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourTokens(float* weights, int cols, float* input0, float* input1, float* input2, float* input3, float* sums)
    {
        int lanes = Vector<float>.Count;
        for (int r = 0; r < Rows; r += 2 * lanes)
        {
            Vector<float> a0 = Vector<float>.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
            for (int col = 0; col < cols; col++)
            {
                Vector<float> a = Vector.Load(weights + col * Rows + r), b = Vector.Load(weights + col * Rows + r + lanes);
                Vector<float> x0 = new(input0[col]), x1 = new(input1[col]), x2 = new(input2[col]), x3 = new(input3[col]);
                a0 = Lanes.MultiplyAdd(a, x0, a0);
                b0 = Lanes.MultiplyAdd(b, x0, b0);
                a1 = Lanes.MultiplyAdd(a, x1, a1);
                b1 = Lanes.MultiplyAdd(b, x1, b1);
                a2 = Lanes.MultiplyAdd(a, x2, a2);
                b2 = Lanes.MultiplyAdd(b, x2, b2);
                a3 = Lanes.MultiplyAdd(a, x3, a3);
                b3 = Lanes.MultiplyAdd(b, x3, b3);
            }
            float* to = sums + r;
            Add(a0, to);
            Add(b0, to + lanes);
            Add(a1, to + Rows);
            Add(b1, to + Rows + lanes);
            Add(a2, to + 2 * Rows);
            Add(b2, to + 2 * Rows + lanes);
            Add(a3, to + 3 * Rows);
            Add(b3, to + 3 * Rows + lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector<float> value, float* to) => (Vector.Load(to) + value).Store(to);
}
