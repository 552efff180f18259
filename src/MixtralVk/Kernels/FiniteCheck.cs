using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>
/// Puts <paramref name="Site"/> into <paramref name="Status"/>, which keeps the lowest, where a row holds NaN or infinity.
/// </summary>
/// <param name="Rows">First word: rows of this step.</param>
/// <param name="Input">float (rows, Cols).</param>
/// <param name="Status">One uint.</param>
/// <param name="Cols">Length of a row.</param>
/// <param name="Site">What a row that is not finite reports.</param>
/// <param name="MaxRows">Most rows of a step.</param>
internal readonly record struct FiniteCheck(BufferView Rows, BufferView Input, BufferView Status, uint Cols, uint Site,
    uint MaxRows) : IKernel
{
    public string Shader => "elementwise/finite_check";

    public DispatchSize Workgroups => new(MaxRows);

    public void Bind(ref Bindings b)
    {
        b.Constant(Cols);
        b.Read(Rows);
        b.Read(Input);
        b.ReadWrite(Status);
        b.Push(Site);
    }
}
