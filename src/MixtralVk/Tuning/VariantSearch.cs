using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Tuning;

/// <summary>
/// Finds a fast variant of a product: from a start, one property after the other is varied and the best value kept, until nothing gains.
/// All classes of tokens of one product must add in one order; decode decides which, as it is what people wait for.
/// </summary>
internal sealed class VariantSearch(DeviceDescription device, Func<ProductVariant, TokenClass, double> measure)
{
    // A change must gain so much to count: measurements scatter.
    private const double Gain = 0.97;

    private static readonly Func<ProductVariant, object> Splits = v =>
        (v.ColumnSplits, v.WorkgroupSplits, v.RunsPerLane, v.PartsPerWorkgroup);

    private static readonly Func<ProductVariant, object>[] Axes =
        [v => v.RowsPerLane, v => v.TokensPerPass, v => v.Lanes, Splits, v => v.SubgroupSize, v => v.WeightFetch,
        v => v.ActivationFetch, v => v.Arithmetic];

    /// <summary>A variant for each class, in one order.</summary>
    public Dictionary<TokenClass, ProductVariant> Run(ProductShape shape, ProductChoices start)
    {
        ProductVariant decode = Climb(shape, TokenClass.One, Starts(shape, TokenClass.One, start, null), null);
        var found = new Dictionary<TokenClass, ProductVariant> { [TokenClass.One] = decode };
        foreach (TokenClass tokens in TokenClasses.All.Skip(1))
            found[tokens] = Climb(shape, tokens, Starts(shape, tokens, start, decode.SummationOrder), decode.SummationOrder);
        return found;
    }

    /// <summary>
    /// The current choice and what other kinds of device ship with, in the order asked for, as far as this device can run them.
    /// </summary>
    public IReadOnlyList<ProductVariant> Starts(ProductShape shape, TokenClass tokens, ProductChoices start, SummationOrder? order) =>
    [
        .. ShippedVariants.Everywhere(device, shape, tokens).Prepend(start.For(shape, tokens))
            .SelectMany(variant => order is null || variant.SummationOrder == order
            ? [variant] : InOrder(shape, tokens, variant, order.Value))
            .Where(variant => ProductVariants.WhyNot(device, shape, tokens, variant) is null)
            .Distinct(),
    ];

    /// <summary>
    /// What differs from a variant only in how it splits columns, and adds in an order; where nothing does, one lane takes all runs.
    /// </summary>
    private IEnumerable<ProductVariant> InOrder(ProductShape shape, TokenClass tokens, ProductVariant variant, SummationOrder order) =>
        ProductVariants.ValidOn(device, shape, tokens).Where(v => v.SummationOrder == order && DiffersOnlyIn(Splits, v, variant))
            .DefaultIfEmpty(variant.InOrder(order));

    private ProductVariant Climb(ProductShape shape, TokenClass tokens, IReadOnlyList<ProductVariant> starts, SummationOrder? order)
    {
        var measured = new Dictionary<ProductVariant, double>();
        ProductVariant best = starts.MinBy(Seconds);
        List<ProductVariant> valid =
            [.. ProductVariants.ValidOn(device, shape, tokens).Where(v => order is null || v.SummationOrder == order)];
        for (ProductVariant before = default; before != best;)
        {
            before = best;
            foreach (Func<ProductVariant, object> axis in Axes)
            {
                ProductVariant fixedOthers = best;
                foreach (ProductVariant variant in valid.Where(v => DiffersOnlyIn(axis, v, fixedOthers)))
                    if (Seconds(variant) < Gain * Seconds(best)) best = variant;
            }
        }
        return best;

        double Seconds(ProductVariant variant) =>
            measured.TryGetValue(variant, out double seconds) ? seconds : measured[variant] = measure(variant, tokens);
    }

    private static bool DiffersOnlyIn(Func<ProductVariant, object> axis, ProductVariant a, ProductVariant b) =>
        Array.TrueForAll(Axes, other => other(a).Equals(other(b)) != (other == axis));
}
