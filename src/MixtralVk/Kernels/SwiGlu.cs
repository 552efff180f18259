using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary><c>output = silu(gate) * up</c>, <c>silu(v) = v / (1 + exp(-v))</c>, on rows * RowFactor rows. Output may be Gate.</summary>
/// <param name="Rows">First word: tokens of this step.</param>
/// <param name="Gate">float (rows * RowFactor, Cols).</param>
/// <param name="Up">float (rows * RowFactor, Cols).</param>
/// <param name="Output">float (rows * RowFactor, Cols).</param>
/// <param name="Cols">Length of a row.</param>
/// <param name="RowFactor">Rows per token: top-k.</param>
/// <param name="MaxRows">Most tokens of a step.</param>
internal readonly record struct SwiGlu(BufferView Rows, BufferView Gate, BufferView Up, BufferView Output, uint Cols, uint RowFactor,
    uint MaxRows) : IKernel
{
    public string Shader => "elementwise/swiglu";

    public DispatchSize Workgroups => new(Grid.Cover(Cols, 64), MaxRows * RowFactor);

    public void Bind(ref Bindings b)
    {
        b.Constant(Cols);
        b.Constant(RowFactor);
        b.Read(Rows);
        b.Read(Gate);
        b.Read(Up);
        b.Write(Output);
    }
}
