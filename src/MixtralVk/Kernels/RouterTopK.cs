using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>
/// Picks the experts of each row: the top-k of <c>router . input[t]</c>, descending, ties to the lower index, and the softmax over the
/// chosen. A logit that is not finite counts as the lowest and puts <paramref name="Site"/> into <paramref name="Status"/>: ids are in
/// range and distinct and weights finite whatever the weights of the model are.
/// </summary>
/// <param name="Rows">First word: rows of this step.</param>
/// <param name="Input">float (rows, Dim).</param>
/// <param name="Router">float (ExpertCount, Dim), row-major.</param>
/// <param name="Ids">uint (rows, TopK).</param>
/// <param name="Weights">float (rows, TopK).</param>
/// <param name="Status">One uint; keeps the lowest site.</param>
/// <param name="Dim">Length of an input row.</param>
/// <param name="ExpertCount">Number of experts; at most 128.</param>
/// <param name="TopK">Experts per row; at most ExpertCount.</param>
/// <param name="Site">What a logit that is not finite reports.</param>
/// <param name="MaxRows">Most rows of a step.</param>
internal readonly record struct RouterTopK(BufferView Rows, BufferView Input, BufferView Router, BufferView Ids, BufferView Weights,
    BufferView Status, uint Dim, uint ExpertCount, uint TopK, uint Site, uint MaxRows) : IKernel
{
    /// <summary>Most experts the kernels of this folder serve.</summary>
    public const uint MaxExperts = 128;

    public string Shader => "experts/router_top_k";

    public DispatchSize Workgroups => new(MaxRows);

    public void Bind(ref Bindings b)
    {
        b.Constant(Dim);
        b.Constant(ExpertCount);
        b.Constant(TopK);
        b.Read(Rows);
        b.Read(Input);
        b.Read(Router);
        b.Write(Ids);
        b.Write(Weights);
        b.ReadWrite(Status);
        b.Push(Site);
    }
}
