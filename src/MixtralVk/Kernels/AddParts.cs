using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>
/// The second pass of a product whose columns are split over workgroups:
/// <c>output[t][FirstCol + c] (= or +=) sum over parts, ascending, of parts[part][t][FirstCol + c]</c>; with Gated, where gate's parts come
/// before up's, <c>silu(sum of gate) * (sum of up)</c>.
/// </summary>
/// <param name="Rows">First word: tokens of this step.</param>
/// <param name="Parts">float (PartCount or 2 PartCount, PartStride): each starts with (rows * RowFactor, OutputStride).</param>
/// <param name="Output">float (rows * RowFactor, OutputStride).</param>
/// <param name="PartCount">Parts of the columns.</param>
/// <param name="Gated">Whether the parts are of a gate and an up matrix.</param>
/// <param name="Accumulate">Adds to the output instead of replacing it.</param>
/// <param name="RowFactor">Output rows per token: top-k for experts.</param>
/// <param name="FirstCol">First column to fill.</param>
/// <param name="ColCount">Columns to fill.</param>
/// <param name="OutputStride">Length of an output row.</param>
/// <param name="PartStride">Floats between two parts.</param>
/// <param name="MaxRows">Most tokens of a step.</param>
internal readonly record struct AddParts(BufferView Rows, BufferView Parts, BufferView Output, uint PartCount, bool Gated,
    bool Accumulate, uint RowFactor,
    uint FirstCol, uint ColCount, uint OutputStride, uint PartStride, uint MaxRows) : IKernel
{
    public string Shader => "matmul/add_parts";

    public DispatchSize Workgroups => new(Grid.Cover(ColCount, 64), MaxRows * RowFactor);

    /// <summary>
    /// Floats from one part to the next, so that each may be bound: rows of a step times their length, rounded up to 256 bytes.
    /// </summary>
    public static uint StrideOf(uint rows, uint outputStride) => Grid.Cover(rows * outputStride, 64) * 64;

    public void Bind(ref Bindings b)
    {
        b.Constant(PartCount);
        b.Constant(Gated);
        b.Constant(Accumulate);
        b.Constant(RowFactor);
        b.Read(Rows);
        b.Read(Parts);
        b.ReadWrite(Output);
        b.Push(FirstCol);
        b.Push(ColCount);
        b.Push(OutputStride);
        b.Push(PartStride);
    }
}
