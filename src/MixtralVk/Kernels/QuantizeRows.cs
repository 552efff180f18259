using MixtralVk.Gpu;
using MixtralVk.Quantization;

namespace MixtralVk.Kernels;

/// <summary>
/// Rounds activations to 8 bits for <see cref="Arithmetic.PackedInt8"/>: of each 32 columns <c>scale = max |x| / 127, q = round(x /
/// scale)</c>. A block with a value that is not finite has a scale that is none, so that the value is still found.
/// </summary>
/// <param name="Rows">First word: tokens of this step.</param>
/// <param name="Input">float (rows * RowFactor, Cols).</param>
/// <param name="Quants">Words (rows * RowFactor, <see cref="WordsOf"/>): four bytes q in each, then the blocks' scales and sums of q times
/// scale.</param>
/// <param name="Cols">Length of a row; a multiple of 32.</param>
/// <param name="RowFactor">Rows per token: top-k for the inputs of experts' down projections.</param>
/// <param name="MaxRows">Most tokens of a step.</param>
internal readonly record struct QuantizeRows(BufferView Rows, BufferView Input, BufferView Quants, uint Cols, uint RowFactor, uint MaxRows)
    : IKernel
{
    private const uint BlockCols = 32;

    /// <summary>Words of a row of quants.</summary>
    public static uint WordsOf(uint cols) => cols / 4 + cols / BlockCols * 2;

    /// <summary>Formats that have a product with packed dot products.</summary>
    public static bool Serves(WeightFormat format) =>
        format is WeightFormat.Q4_0 or WeightFormat.Q8_0 or WeightFormat.Q4_K or WeightFormat.Q6_K;

    public string Shader => "elementwise/quantize_rows";

    public DispatchSize Workgroups => new(Grid.Cover(Cols / BlockCols, 64), MaxRows * RowFactor);

    public void Bind(ref Bindings b)
    {
        b.Constant(Cols);
        b.Constant(RowFactor);
        b.Read(Rows);
        b.Read(Input);
        b.Write(Quants);
    }
}
