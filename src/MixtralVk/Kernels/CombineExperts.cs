using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary><c>residual[t] += sum over slots, ascending, of weights[t][slot] * expertOutput[t * TopK + slot]</c>.</summary>
/// <param name="Rows">First word: tokens of this step.</param>
/// <param name="ExpertOutput">float (rows * TopK, Dim).</param>
/// <param name="Weights">float (rows, TopK).</param>
/// <param name="Residual">float (rows, Dim).</param>
/// <param name="Dim">Length of a row.</param>
/// <param name="TopK">Experts per token.</param>
/// <param name="MaxRows">Most tokens of a step.</param>
internal readonly record struct CombineExperts(BufferView Rows, BufferView ExpertOutput, BufferView Weights, BufferView Residual, uint Dim,
    uint TopK, uint MaxRows) : IKernel
{
    public string Shader => "experts/combine_experts";

    public DispatchSize Workgroups => new(Grid.Cover(Dim, 64), MaxRows);

    public void Bind(ref Bindings b)
    {
        b.Constant(Dim);
        b.Constant(TopK);
        b.Read(Rows);
        b.Read(ExpertOutput);
        b.Read(Weights);
        b.ReadWrite(Residual);
    }
}
