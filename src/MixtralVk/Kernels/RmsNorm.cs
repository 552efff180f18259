using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>
/// <c>output[t] = input[t] / sqrt(mean(input[t]^2) + epsilon) * weight</c>. A row whose sum is not finite puts <paramref name="Site"/> into
/// <paramref name="Status"/>, which keeps the lowest. Output may be Input.
/// </summary>
/// <param name="Rows">First word: rows of this step.</param>
/// <param name="Input">float (rows, Cols).</param>
/// <param name="Weight">float (Cols).</param>
/// <param name="Output">float (rows, Cols).</param>
/// <param name="Status">One uint.</param>
/// <param name="Cols">Length of a row.</param>
/// <param name="Epsilon">Added to the mean square.</param>
/// <param name="Site">What a row that is not finite reports.</param>
/// <param name="MaxRows">Most rows of a step.</param>
internal readonly record struct RmsNorm(BufferView Rows, BufferView Input, BufferView Weight, BufferView Output, BufferView Status,
    uint Cols, float Epsilon, uint Site, uint MaxRows) : IKernel
{
    public string Shader => "elementwise/rms_norm";

    public DispatchSize Workgroups => new(MaxRows);

    public void Bind(ref Bindings b)
    {
        b.Constant(Cols);
        b.Read(Rows);
        b.Read(Input);
        b.Read(Weight);
        b.Write(Output);
        b.ReadWrite(Status);
        b.Push(Epsilon);
        b.Push(Site);
    }
}
