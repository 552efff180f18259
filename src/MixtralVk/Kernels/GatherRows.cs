using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary><c>output[i] = input[rowIds[i]][0..Cols]</c>.</summary>
/// <param name="Rows">First word: output rows of this step.</param>
/// <param name="RowIds">uint (rows).</param>
/// <param name="Input">float (any, InputStride).</param>
/// <param name="Output">float (rows, Cols).</param>
/// <param name="Cols">Length of an output row.</param>
/// <param name="InputStride">Length of an input row.</param>
/// <param name="MaxRows">Most output rows of a step.</param>
internal readonly record struct GatherRows(BufferView Rows, BufferView RowIds, BufferView Input, BufferView Output, uint Cols,
    uint InputStride, uint MaxRows) : IKernel
{
    public string Shader => "elementwise/gather_rows";

    public DispatchSize Workgroups => new(Grid.Cover(Cols, 64), MaxRows);

    public void Bind(ref Bindings b)
    {
        b.Constant(Cols);
        b.Read(Rows);
        b.Read(RowIds);
        b.Read(Input);
        b.Write(Output);
        b.Push(InputStride);
    }
}
