using MixtralVk.Gpu;
using MixtralVk.Quantization;

namespace MixtralVk.Kernels;

/// <summary>
/// <c>output[t][FirstRow + r] (= or +=) sum over c of weights[r][c] * input[t][c]</c>. With one token per pass
/// it is the matrix-vector product of decoding.
/// </summary>
/// <param name="Format">Format of the weights.</param>
/// <param name="Weights">A range of tiles (OutputRows, Cols).</param>
/// <param name="Rows">First word: input rows of this step.</param>
/// <param name="Input">float (rows, Cols).</param>
/// <param name="Output">float (rows, OutputStride).</param>
/// <param name="Cols">Columns of the matrix.</param>
/// <param name="OutputRows">Rows of the matrix in the range.</param>
/// <param name="FirstRow">Column of the output that the range's first row fills.</param>
/// <param name="OutputStride">Length of an output row.</param>
/// <param name="Accumulate">Adds to the output instead of replacing it.</param>
/// <param name="MaxRows">Most input rows of a step.</param>
/// <param name="Variant">How the work is cut. With splits over workgroups the output is what <see cref="AddParts"/> reads.</param>
/// <param name="PartStride">Floats between the outputs of two parts, where columns are split over workgroups.</param>
/// <param name="Quants">The input as <see cref="QuantizeRows"/> leaves it, for packed dot products.</param>
internal readonly record struct MatMul(WeightFormat Format, BufferView Weights, BufferView Rows, BufferView Input, BufferView Output,
    uint Cols, uint OutputRows, uint FirstRow, uint OutputStride, bool Accumulate, uint MaxRows, ProductVariant Variant,
    uint PartStride = 0,
    BufferView Quants = default) : IKernel
{
    public string Shader => Variant.Arithmetic == Arithmetic.PackedInt8 ? PackedShader : Format switch
    {
        WeightFormat.F32 => "matmul/matmul_f32",
        WeightFormat.F16 => "matmul/matmul_f16",
        WeightFormat.BF16 => "matmul/matmul_bf16",
        WeightFormat.Q8_0 => "matmul/matmul_q8_0",
        WeightFormat.Q4_0 => "matmul/matmul_q4_0",
        WeightFormat.Q4_1 => "matmul/matmul_q4_1",
        WeightFormat.Q5_0 => "matmul/matmul_q5_0",
        WeightFormat.Q5_1 => "matmul/matmul_q5_1",
        WeightFormat.Q2_K => "matmul/matmul_q2_k",
        WeightFormat.Q3_K => "matmul/matmul_q3_k",
        WeightFormat.Q4_K => "matmul/matmul_q4_k",
        WeightFormat.Q5_K => "matmul/matmul_q5_k",
        WeightFormat.Q6_K => "matmul/matmul_q6_k",
        WeightFormat.IQ4_NL => "matmul/matmul_iq4_nl",
        WeightFormat.IQ4_XS => "matmul/matmul_iq4_xs",
    };

    private string PackedShader => Format switch
    {
        WeightFormat.Q8_0 => "matmul/matmul_packed_q8_0",
        WeightFormat.Q4_0 => "matmul/matmul_packed_q4_0",
        WeightFormat.Q4_K => "matmul/matmul_packed_q4_k",
        WeightFormat.Q6_K => "matmul/matmul_packed_q6_k",
        _ => throw new InvalidOperationException($"{Format} has no packed dot products."),
    };

    public DispatchSize Workgroups => Grid.Product(Variant, OutputRows, MaxRows);

    public void Bind(ref Bindings b)
    {
        Variant.Bind(ref b);
        b.Constant(Cols);
        b.Constant(Accumulate);
        b.Read(Rows);
        b.Read(Weights);
        b.Read(Weights, BindingKind.UintTexels, "WeightTexels");
        b.Read(Input);
        b.Read(Input, BindingKind.Uniform, "InputBlock");
        b.Read(Input, BindingKind.FloatTexels, "InputTexels");
        b.ReadWrite(Output);
        if (Variant.Arithmetic == Arithmetic.PackedInt8) b.Read(Quants);
        b.Push(OutputRows);
        b.Push(FirstRow);
        b.Push(OutputStride);
        b.Push(PartStride);
    }
}
