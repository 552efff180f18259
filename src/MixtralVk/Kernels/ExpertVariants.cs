namespace MixtralVk.Kernels;

/// <summary>The variants of an expert's product, by how many entries it has in a step.</summary>
internal enum ExpertWidth
{
    /// <summary>One entry.</summary>
    Single,
    /// <summary>As many as few tokens give.</summary>
    Narrow,
    /// <summary>More.</summary>
    Wide,
}

/// <summary>
/// The variants an expert's product is recorded in: up to <paramref name="SingleLimit"/> entries run the single one, up to
/// <paramref name="NarrowLimit"/> the narrow one, more the wide one. Which it is, is known when the step has chosen its experts.
/// </summary>
internal readonly record struct ExpertVariants(ProductVariant Single, ProductVariant Narrow, ProductVariant Wide,
    uint SingleLimit, uint NarrowLimit)
{
    /// <summary>One variant for any number of entries.</summary>
    public static ExpertVariants Only(ProductVariant variant) => new(variant, variant, variant, 0, uint.MaxValue);

    /// <summary>The same without packed dot products, where not every expert's format has them.</summary>
    public ExpertVariants InFloats() => this with
    {
        Single = Single with { Arithmetic = Arithmetic.Float }, Narrow = Narrow with { Arithmetic = Arithmetic.Float },
        Wide = Wide with { Arithmetic = Arithmetic.Float },
    };

    /// <summary>Those that steps of up to <paramref name="maxRows"/> tokens may need.</summary>
    public IEnumerable<(ExpertWidth Width, ProductVariant Variant)> For(uint maxRows)
    {
        if (SingleLimit > 0) yield return (ExpertWidth.Single, Single);
        yield return (ExpertWidth.Narrow, Narrow);
        if (maxRows > NarrowLimit) yield return (ExpertWidth.Wide, Wide);
    }
}
