using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>
/// The second pass of a product whose columns are split over workgroups:
/// <c>output[t][FirstCol + c] (= or +=) sum over runs, ascending, of runs[run][t][c]</c>; with GatedRuns, which hold gate before up,
/// <c>silu(sum of gate) * (sum of up)</c>.
/// </summary>
/// <param name="Rows">First word: tokens of this step.</param>
/// <param name="Runs">float (RunCount or 2 RunCount, RunStride): each starts with (rows * RowFactor, OutputStride).</param>
/// <param name="Output">float (rows * RowFactor, OutputStride).</param>
/// <param name="RunCount">Runs of columns.</param>
/// <param name="Gated">Whether the runs are of a gate and an up matrix.</param>
/// <param name="Accumulate">Adds to the output instead of replacing it.</param>
/// <param name="RowFactor">Output rows per token: top-k for experts.</param>
/// <param name="FirstCol">First column to fill.</param>
/// <param name="ColCount">Columns to fill.</param>
/// <param name="OutputStride">Length of an output row.</param>
/// <param name="RunStride">Floats between two runs.</param>
/// <param name="MaxRows">Most tokens of a step.</param>
internal readonly record struct AddRuns(BufferView Rows, BufferView Runs, BufferView Output, uint RunCount, bool Gated, bool Accumulate, uint RowFactor,
    uint FirstCol, uint ColCount, uint OutputStride, uint RunStride, uint MaxRows) : IKernel
{
    public string Shader => "matmul/add_runs";

    public DispatchSize Workgroups => new(Grid.Cover(ColCount, 64), MaxRows * RowFactor);

    public void Bind(ref Bindings b)
    {
        b.Constant(RunCount);
        b.Constant(Gated);
        b.Constant(Accumulate);
        b.Constant(RowFactor);
        b.Read(Rows);
        b.Read(Runs);
        b.ReadWrite(Output);
        b.Push(FirstCol);
        b.Push(ColCount);
        b.Push(OutputStride);
        b.Push(RunStride);
    }
}
