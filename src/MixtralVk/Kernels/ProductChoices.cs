using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>One measured choice: plain fields, so that it can be written to a file.</summary>
internal readonly record struct ProductChoice(ProductShape Shape, TokenClass Tokens, ProductVariant Variant);

/// <summary>
/// Which variant each product runs in on a device: the shipped table (<see cref="ShippedVariants"/>), and measured choices that override
/// it. Immutable. All token classes of one shape add in one order, so a row's bits do not depend on how many are computed with it.
/// </summary>
internal sealed class ProductChoices
{
    private readonly DeviceDescription _device;
    private readonly Dictionary<(ProductShape, TokenClass), ProductVariant> _measured;

    private ProductChoices(DeviceDescription device, Dictionary<(ProductShape, TokenClass), ProductVariant> measured) =>
        (_device, _measured) = (device, measured);

    /// <summary>The shipped table for a device, with the limits in force in its description.</summary>
    public static ProductChoices Shipped(DeviceDescription device) => new(device, []);

    /// <summary>What overrides the shipped table.</summary>
    public IEnumerable<ProductChoice> Measured => _measured.Select(m => new ProductChoice(m.Key.Item1, m.Key.Item2, m.Value));

    /// <summary>The variant of a product in steps of a class.</summary>
    public ProductVariant For(ProductShape shape, TokenClass tokens) =>
        _measured.TryGetValue((shape, tokens), out ProductVariant variant) ? variant : ShippedVariants.For(_device, shape, tokens);

    /// <summary>
    /// The variants of an expert's product in steps of a class: those of one, of few and of more tokens, so that an expert which a batch
    /// gives one token computes one. All take parts of the columns like the class's own, so that one second pass adds them up, and read
    /// activations like it, as the step's are as many.
    /// </summary>
    public ExpertVariants ForExpert(ProductShape shape, TokenClass tokens)
    {
        ProductVariant own = For(shape, tokens);
        if (tokens == TokenClass.One) return ExpertVariants.Only(own);
        ProductVariant single = Like(TokenClass.One), narrow = Like(TokenClass.Few),
            wide = Like(tokens == TokenClass.Few ? TokenClass.Batch : tokens);
        // Few experts of a chunk have one token.
        return new ExpertVariants(single, narrow, wide, tokens == TokenClass.Chunk || single == narrow ? 0 : 1u,
            narrow == wide ? uint.MaxValue : narrow.TokensPerPass);

        ProductVariant Like(TokenClass other) =>
            For(shape, other) with { WorkgroupSplits = own.WorkgroupSplits, PartsPerWorkgroup = own.PartsPerWorkgroup,
                ActivationFetch = own.ActivationFetch };
    }

    /// <summary>
    /// These choices with others for one shape, one for each class. Throws <see cref="ArgumentException"/> when the device cannot run one
    /// of them or they add in different orders.
    /// </summary>
    public ProductChoices With(ProductShape shape, IReadOnlyDictionary<TokenClass, ProductVariant> variants)
    {
        ArgumentNullException.ThrowIfNull(variants);
        Check(_device, shape, variants);
        var measured = new Dictionary<(ProductShape, TokenClass), ProductVariant>(_measured);
        foreach (TokenClass tokens in TokenClasses.All) measured[(shape, tokens)] = variants[tokens];
        return new ProductChoices(_device, measured);
    }

    private static void Check(DeviceDescription device, ProductShape shape, IReadOnlyDictionary<TokenClass, ProductVariant> variants)
    {
        foreach (TokenClass tokens in TokenClasses.All)
        {
            if (!variants.TryGetValue(tokens, out ProductVariant variant))
                throw new ArgumentException($"{shape} has no variant for {tokens}.");
            if (ProductVariants.WhyNot(device, shape, tokens, variant) is { } reason) throw new ArgumentException($"{shape}: {reason}.");
        }
        if (variants.Values.Select(v => v.SummationOrder).Distinct().Count() > 1)
            throw new ArgumentException($"The variants of {shape} add in different orders.");
    }
}
