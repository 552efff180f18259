using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>Adds up the splits of <see cref="AttentionSplit"/> in ascending order.</summary>
/// <param name="Rows">First word: rows of this step.</param>
/// <param name="Positions">uint (rows).</param>
/// <param name="Partials">float (rows, QueryHeads, MaxSplits, HeadDim + 2).</param>
/// <param name="Output">float (rows, QueryHeads * HeadDim).</param>
/// <param name="QueryHeads">Number of query heads.</param>
/// <param name="HeadDim">Length of a head; even, at most 256.</param>
/// <param name="MaxSplits">Splits of the longest context.</param>
/// <param name="MaxRows">Most rows of a step.</param>
internal readonly record struct AttentionMerge(BufferView Rows, BufferView Positions, BufferView Partials, BufferView Output,
    uint QueryHeads, uint HeadDim, uint MaxSplits, uint MaxRows) : IKernel
{
    public string Shader => "attention/attention_merge";

    public DispatchSize Workgroups => new(QueryHeads, MaxRows);

    public void Bind(ref Bindings b)
    {
        b.Constant(QueryHeads);
        b.Constant(HeadDim);
        b.Constant(MaxSplits);
        b.Read(Rows);
        b.Read(Positions);
        b.Read(Partials);
        b.Write(Output);
    }
}
