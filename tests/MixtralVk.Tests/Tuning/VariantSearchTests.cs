using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Quantization;
using MixtralVk.Tuning;

namespace MixtralVk.Tests.Tuning;

/// <summary>The search over variants, with a made-up cost in the place of a measurement.</summary>
public sealed class VariantSearchTests
{
    private static readonly ProductShape s_shape = new(ProductKind.GateUp, WeightFormat.Q4_0, 3584, 1024);
    private static readonly DeviceDescription s_device = SoftwareDevice.Description;

    [Fact]
    public void TheFastestIsFoundAndAllClassesAddInOneOrder()
    {
        // Four runs and two rows a lane are best; tokens per pass should be as many as there are.
        double Cost(ProductVariant v, TokenClass tokens) =>
            1 + Math.Abs(Math.Log2(v.SummationOrder.Runs / 4.0)) + Math.Abs(Math.Log2(v.RowsPerLane / 2.0))
                + Math.Abs(Math.Log2((double)v.TokensPerPass / Math.Min(8, tokens.MaxTokens())));
        Dictionary<TokenClass, ProductVariant> found = new VariantSearch(s_device, Cost).Run(s_shape, ProductChoices.Shipped(s_device));
        Assert.Equal(TokenClasses.All, found.Keys.Order());
        Assert.Single(found.Values.Select(v => v.SummationOrder).Distinct());
        Assert.Equal((4u, 2u, 1u),
            (found[TokenClass.One].SummationOrder.Runs, found[TokenClass.One].RowsPerLane, found[TokenClass.One].TokensPerPass));
        Assert.Equal((2u, 8u), (found[TokenClass.Chunk].RowsPerLane, found[TokenClass.Chunk].TokensPerPass));
        Assert.All(found, f => Assert.Null(ProductVariants.WhyNot(s_device, s_shape, f.Key, f.Value)));
        ProductChoices.Shipped(s_device).With(s_shape, found); // accepts them
    }

    [Fact]
    public void NothingChangesWhereNothingGains()
    {
        ProductChoices shipped = ProductChoices.Shipped(s_device);
        Dictionary<TokenClass, ProductVariant> found = new VariantSearch(s_device, (_, _) => 1).Run(s_shape, shipped);
        Assert.All(found, f => Assert.Equal(shipped.For(s_shape, f.Key), f.Value));
    }

    [Fact]
    public void NoVariantIsMeasuredTwice()
    {
        var measured = new HashSet<(ProductVariant, TokenClass)>();
        new VariantSearch(s_device, (variant, tokens) =>
        {
            Assert.True(measured.Add((variant, tokens)));
            return variant.Lanes + variant.RowsPerLane;
        }).Run(s_shape, ProductChoices.Shipped(s_device));
    }
}
