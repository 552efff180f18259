using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>
/// <c>residual[t] += sum over choices, ascending, of weights[t][choice] * output[t * TopK + choice]</c>. With <paramref name="IsSplit"/>
/// the outputs of experts without a slot are the host's.
/// </summary>
/// <param name="Rows">First word: tokens of this step.</param>
/// <param name="ExpertOutput">float (rows * TopK, Dim).</param>
/// <param name="HostOutput">float (rows * TopK, Dim): what the host computed; read with <paramref name="IsSplit"/> only.</param>
/// <param name="Ids">uint (rows, TopK); read with <paramref name="IsSplit"/> only.</param>
/// <param name="Slots">uint (experts): slot of each expert; read with <paramref name="IsSplit"/> only.</param>
/// <param name="Weights">float (rows, TopK).</param>
/// <param name="Residual">float (rows, Dim).</param>
/// <param name="Dim">Length of a row.</param>
/// <param name="TopK">Experts per token.</param>
/// <param name="IsSplit">Whether experts may have no slot.</param>
/// <param name="SlotCount">Slots of the layer; an expert has none where its slot is not below.</param>
/// <param name="MaxRows">Most tokens of a step.</param>
internal readonly record struct CombineExperts(BufferView Rows, BufferView ExpertOutput, BufferView HostOutput, BufferView Ids,
    BufferView Slots, BufferView Weights,
    BufferView Residual, uint Dim, uint TopK, bool IsSplit, uint SlotCount, uint MaxRows) : IKernel
{
    public string Shader => "experts/combine_experts";

    public DispatchSize Workgroups => new(Grid.Cover(Dim, 64), MaxRows);

    public void Bind(ref Bindings b)
    {
        b.Constant(Dim);
        b.Constant(TopK);
        b.Constant(IsSplit);
        b.Read(Rows);
        b.Read(ExpertOutput);
        b.Read(HostOutput);
        b.Read(Ids);
        b.Read(Slots);
        b.Read(Weights);
        b.ReadWrite(Residual);
        b.Push(SlotCount);
    }
}
