using MixtralVk.Kernels;
using MixtralVk.Loading;
using MixtralVk.Model.Vulkan;
using MixtralVk.Testing;
using MixtralVk.Tuning;

namespace MixtralVk.Tests.Tuning;

/// <summary>Measuring on the software driver.</summary>
[Collection(VulkanCollection.Name)]
public sealed class TunerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mixtralvk-tuner").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AFirstLoadMeasuresAFewCandidatesAndKeepsTheOrderOfSummation()
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using GpuWeights weights = GpuWeights.Reserve(gpu.Device, source, null, null);
        weights.Read(null, default);
        ProductChoices shipped = ProductChoices.Shipped(gpu.Device.Description);
        ProductChoices first = Tuner.OnLoad(gpu.Device, weights, source.Config, _folder, default);
        ProductShape hottest = Assert.Single(first.Measured.Select(c => c.Shape).Distinct());
        Assert.Equal(TunedProduct.Of(weights, source.Config)[0].Shape, hottest);
        Assert.All(first.Measured, c => Assert.Equal(shipped.For(hottest, c.Tokens).SummationOrder, c.Variant.SummationOrder));
        string stored = File.ReadAllText(Assert.Single(Directory.GetFiles(_folder)));
        Assert.Equal(first.Measured.ToHashSet(), Tuner.OnLoad(gpu.Device, weights, source.Config, _folder, default).Measured.ToHashSet());
        Assert.Equal(stored, File.ReadAllText(Directory.GetFiles(_folder)[0]));
        gpu.AssertClean();
    }

    [Fact]
    public void EveryProductOfAModelIsFoundOnce()
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using GpuWeights weights = GpuWeights.Reserve(gpu.Device, source, null, null);
        weights.Read(null, default);
        IReadOnlyList<TunedProduct> products = TunedProduct.Of(weights, source.Config);
        Assert.Equal(products.Count, products.Select(p => p.Shape).Distinct().Count());
        Assert.Equal(source.Config.LayerCount * source.Config.ExpertCount,
            products.Where(p => p.Shape.Kind == ProductKind.GateUp).Sum(p => p.Weights.Count));
        Assert.Equal(source.Config.LayerCount * source.Config.ExpertCount,
            products.Where(p => p.Shape.Kind == ProductKind.Down).Sum(p => p.Weights.Count));
        Assert.Equal(products.OrderByDescending(p => p.Bytes), products);
    }

    [Fact]
    public void WhereChoicesCannotBeKeptTheModelLoadsAllTheSame()
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using GpuWeights weights = GpuWeights.Reserve(gpu.Device, source, null, null);
        weights.Read(null, default);
        string file = Path.Combine(_folder, "a file");
        File.WriteAllText(file, "");
        Assert.NotEmpty(Tuner.OnLoad(gpu.Device, weights, source.Config, file, default).Measured);
        Assert.Empty(Tuner.OnLoad(gpu.Device, weights, source.Config, null, default).Measured);
    }
}
