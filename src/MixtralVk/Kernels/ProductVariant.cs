using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>How a product reads its weights.</summary>
internal enum WeightFetch
{
    /// <summary>From a storage buffer.</summary>
    Storage,
    /// <summary>From a uniform texel buffer: the words of four neighbouring rows at once.</summary>
    Texel,
}

/// <summary>How a product reads its activations.</summary>
internal enum ActivationFetch
{
    /// <summary>From a storage buffer.</summary>
    Storage,
    /// <summary>From a uniform buffer: four columns at once.</summary>
    Uniform,
    /// <summary>From a uniform texel buffer: four columns at once.</summary>
    Texel,
}

/// <summary>What a product multiplies with.</summary>
internal enum Arithmetic
{
    /// <summary>Floats, one fused multiply-add per weight.</summary>
    Float,
    /// <summary>Packed 8-bit dot products; <see cref="QuantizeRows"/> rounds the activations first.</summary>
    PackedInt8,
    /// <summary>Cooperative matrices.</summary>
    CooperativeMatrix,
}

/// <summary>
/// How a matrix product (<see cref="MatMul"/>, <see cref="ExpertGateUp"/>, <see cref="ExpertMatMul"/>) cuts and reads its work. Variants of
/// equal <see cref="SummationOrder"/> give equal bits. What a device can run: <see cref="ProductVariants"/>; what it does run:
/// <see cref="ProductChoices"/>.
/// </summary>
/// <param name="RowsPerLane">Neighbouring rows of a lane, 1, 2, 4, 8 or 16: each activation is loaded once for so many.</param>
/// <param name="TokensPerPass">Input rows of a workgroup: each weight is decoded once for so many.</param>
/// <param name="Lanes">Lanes of a workgroup side by side.</param>
/// <param name="ColumnSplits">Runs of columns inside a workgroup, <paramref name="Lanes"/> lanes each, added in shared memory.</param>
/// <param name="WorkgroupSplits">Parts of the columns over workgroups, added by a second kernel (<see cref="AddParts"/>); 1 = none.</param>
/// <param name="RunsPerLane">Runs that a lane takes one after the other, where ColumnSplits is 1: the order of a split variant.</param>
/// <param name="PartsPerWorkgroup">Parts that a workgroup takes one after the other, where WorkgroupSplits is 1: the order of a split
/// variant.</param>
/// <param name="SubgroupSize">Size asked of the driver; 0 = the driver's choice.</param>
/// <param name="WeightFetch">How weights are read.</param>
/// <param name="ActivationFetch">How activations are read.</param>
/// <param name="Arithmetic">What it multiplies with.</param>
internal readonly record struct ProductVariant(uint RowsPerLane, uint TokensPerPass, uint Lanes = 64, uint ColumnSplits = 1,
    uint WorkgroupSplits = 1,
    uint RunsPerLane = 1, uint PartsPerWorkgroup = 1, uint SubgroupSize = 0, WeightFetch WeightFetch = WeightFetch.Storage,
    ActivationFetch ActivationFetch = ActivationFetch.Storage,
    Arithmetic Arithmetic = Arithmetic.Float)
{
    /// <summary>The order it adds in.</summary>
    public SummationOrder SummationOrder => new(ColumnSplits * RunsPerLane, WorkgroupSplits * PartsPerWorkgroup, Arithmetic);

    /// <summary>The variant that adds in another order and is otherwise the same: one lane takes all runs, nothing is split.</summary>
    public ProductVariant InOrder(SummationOrder order) =>
        this with { ColumnSplits = 1, WorkgroupSplits = 1, RunsPerLane = order.Runs, PartsPerWorkgroup = order.Parts,
            Arithmetic = order.Arithmetic };

    /// <summary>Rows of a workgroup.</summary>
    public uint WorkgroupRows => Lanes * RowsPerLane;

    /// <summary>The first constants of every product.</summary>
    public void Bind(ref Bindings b)
    {
        b.RequireSubgroupSize(SubgroupSize);
        b.Constant(Lanes);
        b.Constant(ColumnSplits);
        b.Constant(RowsPerLane);
        b.Constant(TokensPerPass);
        b.Constant(RunsPerLane);
        b.Constant(WorkgroupSplits);
        b.Constant(PartsPerWorkgroup);
        b.Constant((uint)WeightFetch, nameof(WeightFetch));
        b.Constant((uint)ActivationFetch, nameof(ActivationFetch));
    }

    public override string ToString() =>
        $"R{RowsPerLane} T{TokensPerPass} L{Lanes}" + (ColumnSplits > 1 ? $" S{ColumnSplits}" : "")
        + (WorkgroupSplits > 1 ? $" W{WorkgroupSplits}"
        : "") + (RunsPerLane > 1 ? $" N{RunsPerLane}" : "") + (PartsPerWorkgroup > 1 ? $" P{PartsPerWorkgroup}" : "")
        + (SubgroupSize > 0 ? $" G{SubgroupSize}" : "") + (WeightFetch == WeightFetch.Texel ? " w-texel" : "")
        + ActivationFetch switch { ActivationFetch.Storage => "", ActivationFetch.Uniform => " x-uniform",
        ActivationFetch.Texel => " x-texel" }
        + Arithmetic switch { Arithmetic.Float => "", Arithmetic.PackedInt8 => " int8", Arithmetic.CooperativeMatrix => " matrix" };
}
