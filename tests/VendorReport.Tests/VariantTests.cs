using System.Text.Json.Nodes;
using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Quantization;

namespace VendorReport.Tests;

/// <summary>What is compiled, and what counts as a spill.</summary>
public sealed class VariantTests
{
    [Fact]
    public void Every_shader_is_compiled() =>
        Assert.Empty(new ShaderLibrary(typeof(MixtralVk.MixtralModel).Assembly).Names.Except(Variant.Shipped(Device)
            .Concat(Variant.Packed(Device)).Select(v => v.Kernel.Shader)).Order());

    [Fact]
    public void Names_are_unique_and_what_is_shipped_is_among_all()
    {
        string[] all = [.. Variant.All(Device).Select(v => v.Name)];
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Empty(Variant.Shipped(Device).Select(v => v.Name).Except(all));
        Assert.Empty(Variant.ShippedProducts(Device).Select(p => p.Kernel).Except(all));
    }

    [Fact]
    public void Units_are_those_of_the_shaders()
    {
        Assert.Equal(new UnitConstants(32, 4), UnitConstants.Of(WeightFormat.Q4_0));
        Assert.Equal(new LoopShape(2 * 3 * 128, 8, StepsHoldAllLoads: false),
            new Product(new(ProductKind.GateUp, WeightFormat.Q6_K, 64, 256), new ProductVariant(3, 1)).Loop);
    }

    [Fact]
    public void A_spill_of_what_is_shipped_fails()
    {
        CompiledKernel kernel = new("k", 64, 256, 0, 1, 0, 0, 10, 0, null, 0, null),
            other = kernel with { Name = "o", Spills = 0, ScratchBytes = 16 };
        Assert.False(Summary.Print([Target("k", kernel, other)], TextWriter.Null));
        Assert.False(Summary.Print([Target("o", kernel, other)], TextWriter.Null));
        Assert.True(Summary.Print([Target("c", kernel, other, kernel with { Name = "c", Spills = 0 })], TextWriter.Null));

        static CompiledTarget Target(string shipped, params CompiledKernel[] kernels) =>
            new("navi21", "d", "v", 32, 64, true, false, [], [shipped], kernels);
    }

    [Fact]
    public void A_statistic_the_driver_no_longer_gives_is_no_zero()
    {
        var statistics = new DriverStatistics(new Dictionary<string, double> { ["Number of GPRs"] = 40, ["Instruction count"] = 7 });
        Variant variant = Variant.Shipped(Device)[0];
        Assert.Contains("SLM Size", Assert.Throws<InvalidDataException>(() => statistics.Kernel(variant, Vendor.Nvidia, 32, null)).Message,
            StringComparison.Ordinal);
    }

    private static DeviceDescription Device { get; } =
        DeviceDescription.FromJson(JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory,
        "amd-rx-6800-full-bar.json")))!["description"]!.ToJsonString());
}
