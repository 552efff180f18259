using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>How a product reads its weights.</summary>
internal enum WeightFetch
{
    /// <summary>From a storage buffer.</summary>
    Storage,
    /// <summary>From a uniform texel buffer of 32-bit words.</summary>
    Texel,
}

/// <summary>How a product reads its activations.</summary>
internal enum ActivationFetch
{
    /// <summary>From a storage buffer.</summary>
    Storage,
    /// <summary>From a uniform buffer.</summary>
    Uniform,
}

/// <summary>What a product multiplies with.</summary>
internal enum Arithmetic
{
    /// <summary>Floats, one fused multiply-add per weight.</summary>
    Float,
    /// <summary>Packed 8-bit dot products; activations are quantised first.</summary>
    PackedInt8,
    /// <summary>Cooperative matrices.</summary>
    CooperativeMatrix,
}

/// <summary>
/// How a matrix product (<see cref="MatMul"/>, <see cref="ExpertGateUp"/>, <see cref="ExpertMatMul"/>) cuts and reads its work. Variants of
/// equal <see cref="SummationOrder"/> give equal bits. What a device can run: <see cref="ProductVariants"/>; what it does run:
/// <see cref="ProductChoices"/>.
/// </summary>
/// <param name="RowsPerLane">Tiles of a workgroup: each activation is loaded once for so many rows.</param>
/// <param name="TokensPerPass">Input rows of a workgroup: each weight is decoded once for so many.</param>
/// <param name="ColumnSplits">Runs of columns inside a workgroup, 64 lanes each, added in shared memory.</param>
/// <param name="WorkgroupSplits">Runs of columns over workgroups, added by a second kernel in ascending order; 1 = none.</param>
/// <param name="SubgroupSize">Size asked of the driver; 0 = the driver's choice.</param>
/// <param name="WeightFetch">How weights are read.</param>
/// <param name="ActivationFetch">How activations are read.</param>
/// <param name="Arithmetic">What it multiplies with.</param>
internal readonly record struct ProductVariant(uint RowsPerLane, uint TokensPerPass, uint ColumnSplits = 1, uint WorkgroupSplits = 1, uint SubgroupSize = 0,
    WeightFetch WeightFetch = WeightFetch.Storage, ActivationFetch ActivationFetch = ActivationFetch.Storage, Arithmetic Arithmetic = Arithmetic.Float)
{
    /// <summary>The order it adds in.</summary>
    public SummationOrder SummationOrder => new(ColumnSplits * WorkgroupSplits, Arithmetic);

    /// <summary>The first constants of every product.</summary>
    public void Bind(ref Bindings b)
    {
        b.Constant(ColumnSplits);
        b.Constant(RowsPerLane);
        b.Constant(TokensPerPass);
    }

    public override string ToString() =>
        $"R{RowsPerLane} T{TokensPerPass} S{ColumnSplits}"
        + (WorkgroupSplits > 1 ? $" W{WorkgroupSplits}" : "") + (SubgroupSize > 0 ? $" G{SubgroupSize}" : "")
        + (WeightFetch == WeightFetch.Texel ? " texel" : "") + (ActivationFetch == ActivationFetch.Uniform ? " uniform" : "")
        + Arithmetic switch { Arithmetic.Float => "", Arithmetic.PackedInt8 => " int8", Arithmetic.CooperativeMatrix => " matrix" };
}
