using System.Text.Json;
using System.Text.Json.Nodes;
using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Quantization;
using MixtralVk.Testing;

namespace MixtralVk.Tests.Kernels;

/// <summary>Which variant runs where: pure functions of recorded device descriptions.</summary>
public sealed class ProductChoicesTests
{
    private static string DeviceFolder => Path.Combine(Repository.Root, "tests", "MixtralVk.Gpu.Tests", "Devices");

    private static readonly ProductShape _down = new(ProductKind.Down, WeightFormat.Q4_0, 4096, 14336);

    public static TheoryData<string> Devices =>
        [.. Directory.GetFiles(DeviceFolder, "*.json").Select(f => Path.GetFileNameWithoutExtension(f)!)];

    /// <summary>Mixtral's matrices and small, odd and huge ones, in every format.</summary>
    private static IEnumerable<ProductShape> Shapes =>
        from format in Enum.GetValues<WeightFormat>()
        from kind in Enum.GetValues<ProductKind>()
        from size in ((uint, uint)[])[(4096, 4096), (1024, 4096), (14336, 4096), (4096, 14336), (32000, 4096), (28672, 8192),
        (8192, 28672), (256, 256), (1, 32)]
        select new ProductShape(kind, format, size.Item1, size.Item2);

    [Theory]
    [MemberData(nameof(Devices))]
    public void What_is_shipped_runs_on_the_device_and_adds_in_one_order(string device) => AssertShipped(Describe(device));

    [Theory]
    [MemberData(nameof(Devices))]
    public void What_is_shipped_runs_with_the_least_limits(string device)
    {
        DeviceDescription description = Describe(device);
        AssertShipped(description with { Limits = description.Limits.ClampTo(DeviceLimits.SpecificationMinimum) });
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Every_variant_offered_can_run_and_what_is_shipped_is_among_them(string device)
    {
        DeviceDescription description = Describe(device);
        foreach (ProductShape shape in (ProductShape[])[_down, new(ProductKind.GateUp, WeightFormat.Q6_K, 14336, 4096),
            new(ProductKind.Dense, WeightFormat.F16, 1, 17)])
            foreach (TokenClass tokens in TokenClasses.All)
            {
                ProductVariant[] offered = [.. ProductVariants.ValidOn(description, shape, tokens)];
                Assert.All(offered, v => Assert.Null(ProductVariants.WhyNot(description, shape, tokens, v)));
                Assert.Equal(offered.Length, offered.Distinct().Count());
                Assert.Contains(ProductChoices.Shipped(description).For(shape, tokens), offered);
            }
    }

    [Fact]
    public void Measured_choices_override_the_shipped_ones_of_their_shape_only()
    {
        ProductChoices shipped = ProductChoices.Shipped(Describe("lavapipe"));
        ProductVariant variant = new(2, 1, ColumnSplits: 1);
        ProductChoices changed = shipped.With(_down, TokenClasses.All.ToDictionary(c => c, _ => variant));
        Assert.Equal(variant, changed.For(_down, TokenClass.Batch));
        ProductShape other = _down with { Rows = 64 };
        Assert.Equal(shipped.For(other, TokenClass.One), changed.For(other, TokenClass.One));
        Assert.Empty(shipped.Measured);

        // As a file would hold them.
        ProductChoice[] read = JsonSerializer.Deserialize<ProductChoice[]>(JsonSerializer.Serialize(changed.Measured.ToArray()))!;
        Assert.Equal(changed.Measured, read);
    }

    [Fact]
    public void Variants_of_one_shape_must_add_in_one_order_and_run_on_the_device()
    {
        DeviceDescription device = Describe("lavapipe");
        ProductChoices shipped = ProductChoices.Shipped(device);
        var variants = TokenClasses.All.ToDictionary(c => c, _ => new ProductVariant(1, 1, ColumnSplits: 2));
        variants[TokenClass.Chunk] = new ProductVariant(1, 8, ColumnSplits: 1);
        Assert.Contains("order", Assert.Throws<ArgumentException>(() => shipped.With(_down, variants)).Message, StringComparison.Ordinal);
        variants[TokenClass.Chunk] = new ProductVariant(1, 8, ColumnSplits: 4);
        var small = ProductChoices.Shipped(device with { Limits = DeviceLimits.SpecificationMinimum });
        Assert.Contains(
            "invocations", Assert.Throws<ArgumentException>(() => small.With(_down, variants)).Message, StringComparison.Ordinal);
        variants.Remove(TokenClass.Chunk);
        Assert.Throws<ArgumentException>(() => shipped.With(_down, variants));
    }

    /// <summary>In a batch most experts have one or two tokens; each is multiplied with a variant of no more.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void An_expert_with_one_token_computes_one(string device)
    {
        ProductChoices shipped = ProductChoices.Shipped(Describe(device));
        foreach (ProductShape shape in Shapes.Where(s => s.Kind != ProductKind.Dense))
            foreach (TokenClass tokens in TokenClasses.All.Where(c => c != TokenClass.Chunk))
            {
                ExpertVariants variants = shipped.ForExpert(shape, tokens);
                Assert.Equal(1u, variants.For(tokens.MaxTokens()).First().Variant.TokensPerPass);
                Assert.True(variants.SingleLimit == 1 || variants.Single == variants.Narrow);
                Assert.Single(variants.For(tokens.MaxTokens())
                    .Select(v => (v.Variant.SummationOrder, v.Variant.WorkgroupSplits)).Distinct());
            }
    }

    [Fact]
    public void Classes_cover_every_step()
    {
        Assert.Equal([1, 4, 16, 512], TokenClasses.Cover(512));
        Assert.Equal([1, 4, 10], TokenClasses.Cover(10));
        Assert.Equal([1], TokenClasses.Cover(1));
        Assert.Equal(TokenClass.Few, TokenClasses.Of(4));
        Assert.Equal(TokenClass.Chunk, TokenClasses.Of(17));
    }

    private static void AssertShipped(DeviceDescription device)
    {
        ProductChoices choices = ProductChoices.Shipped(device);
        foreach (ProductShape shape in Shapes)
        {
            ProductVariant[] variants = [.. TokenClasses.All.Select(c => choices.For(shape, c))];
            Assert.All(TokenClasses.All.Zip(variants), v => Assert.Null(ProductVariants.WhyNot(device, shape, v.First, v.Second)));
            Assert.Single(variants.Select(v => v.SummationOrder).Distinct());
        }
    }

    private static DeviceDescription Describe(string device) =>
        DeviceDescription.FromJson(JsonNode.Parse(File.ReadAllText(Path.Combine(DeviceFolder,
            device + ".json")))!["description"]!.ToJsonString());
}
