using MixtralVk.Gpu;
using MixtralVk.Quantization;

namespace MixtralVk.Kernels;

/// <summary>
/// Gate and up projection of one expert over its own entries, with SwiGLU:
/// <c>output[e][FirstRow + r] = silu(gate[r] . h) * (up[r] . h)</c>, <c>h = input[e / InputRowDivisor]</c>.
/// </summary>
/// <param name="Format">Format of the weights.</param>
/// <param name="Groups">uint2 (slots): count and offset, from <see cref="GroupTokens"/>.</param>
/// <param name="Entries">uint (rows * top-k): token * top-k + slot, the entries of an expert side by side.</param>
/// <param name="Gate">A range of tiles of the gate matrix (OutputRows, Cols).</param>
/// <param name="Up">The same range of the up matrix.</param>
/// <param name="Input">float (rows * top-k / InputRowDivisor, Cols).</param>
/// <param name="Output">float (rows * top-k, OutputStride): row e is entry e.</param>
/// <param name="Slot">The slot that the expert lies in.</param>
/// <param name="InputRowDivisor">Entries that share an input row: top-k where the input is per token, 1 where it is per entry.</param>
/// <param name="Cols">Columns of the matrix.</param>
/// <param name="OutputRows">Rows of the matrix in the range.</param>
/// <param name="FirstRow">Column of the output that the range's first row fills.</param>
/// <param name="OutputStride">Length of an output row.</param>
/// <param name="MaxEntries">Most entries of a step: tokens * top-k. The grid where the dispatch is not indirect.</param>
/// <param name="Variant">How the work is cut. With splits over workgroups the output is what <see cref="AddParts"/> reads.</param>
/// <param name="PartStride">Floats between the outputs of two parts, where columns are split over workgroups.</param>
/// <param name="Quants">The input as <see cref="QuantizeRows"/> leaves it, for packed dot products.</param>
internal readonly record struct ExpertGateUp(WeightFormat Format, BufferView Groups, BufferView Entries, BufferView Gate,
    BufferView Up, BufferView Input,
    BufferView Output, uint Slot, uint InputRowDivisor, uint Cols, uint OutputRows, uint FirstRow, uint OutputStride,
    uint MaxEntries, ProductVariant Variant, uint PartStride = 0,
    BufferView Quants = default) : IKernel
{
    public string Shader => Variant.Arithmetic == Arithmetic.PackedInt8 ? PackedShader : Format switch
    {
        WeightFormat.F32 => "experts/expert_gate_up_f32",
        WeightFormat.F16 => "experts/expert_gate_up_f16",
        WeightFormat.BF16 => "experts/expert_gate_up_bf16",
        WeightFormat.Q8_0 => "experts/expert_gate_up_q8_0",
        WeightFormat.Q4_0 => "experts/expert_gate_up_q4_0",
        WeightFormat.Q4_1 => "experts/expert_gate_up_q4_1",
        WeightFormat.Q5_0 => "experts/expert_gate_up_q5_0",
        WeightFormat.Q5_1 => "experts/expert_gate_up_q5_1",
        WeightFormat.Q2_K => "experts/expert_gate_up_q2_k",
        WeightFormat.Q3_K => "experts/expert_gate_up_q3_k",
        WeightFormat.Q4_K => "experts/expert_gate_up_q4_k",
        WeightFormat.Q5_K => "experts/expert_gate_up_q5_k",
        WeightFormat.Q6_K => "experts/expert_gate_up_q6_k",
        WeightFormat.IQ4_NL => "experts/expert_gate_up_iq4_nl",
        WeightFormat.IQ4_XS => "experts/expert_gate_up_iq4_xs",
    };

    private string PackedShader => Format switch
    {
        WeightFormat.Q8_0 => "experts/expert_gate_up_packed_q8_0",
        WeightFormat.Q4_0 => "experts/expert_gate_up_packed_q4_0",
        WeightFormat.Q4_K => "experts/expert_gate_up_packed_q4_k",
        WeightFormat.Q6_K => "experts/expert_gate_up_packed_q6_k",
        _ => throw new InvalidOperationException($"{Format} has no packed dot products."),
    };

    public DispatchSize Workgroups => Grid.Product(Variant, OutputRows, MaxEntries);

    public void Bind(ref Bindings b)
    {
        Variant.Bind(ref b);
        b.Constant(Cols);
        b.Constant(InputRowDivisor);
        b.Read(Groups);
        b.Read(Entries);
        b.Read(Gate);
        b.Read(Gate, BindingKind.UintTexels, "GateTexels");
        b.Read(Up);
        b.Read(Up, BindingKind.UintTexels, "UpTexels");
        b.Read(Input);
        b.Read(Input, BindingKind.Uniform, "InputBlock");
        b.Read(Input, BindingKind.FloatTexels, "InputTexels");
        b.Write(Output);
        if (Variant.Arithmetic == Arithmetic.PackedInt8) b.Read(Quants);
        b.Push(Slot);
        b.Push(OutputRows);
        b.Push(FirstRow);
        b.Push(OutputStride);
        b.Push(PartStride);
    }
}
