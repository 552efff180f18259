using MixtralVk.Loading;
using MixtralVk.Packing;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Packing;

/// <summary>What is read, what is mapped and what is refused, with a main memory of the test's choice.</summary>
public sealed class WeightPlacementTests : IDisposable
{
    private readonly TemporaryFile _gguf =
        new SyntheticModel { Dim = 256, Hidden = 512, Weights = WeightFormat.Q4_0, Context = 64 }.WriteTemporary(), _packed = new(".mvk");
    private readonly long _weightBytes;

    public WeightPlacementTests()
    {
        using ModelSource source = ModelSource.Open(_gguf.Path);
        _weightBytes = source.Describe().WeightBytes;
        ModelPacker.Pack(source, _packed.Path);
    }

    public void Dispose()
    {
        _gguf.Dispose();
        _packed.Dispose();
    }

    [Fact]
    public void A_gguf_that_does_not_fit_is_refused_before_it_is_read_with_the_command_that_helps()
    {
        var options = new MixtralOptions { Device = DeviceKind.Cpu, MainMemoryBytes = _weightBytes };
        var progress = new Counter();
        var error = Assert.Throws<HostMemoryException>(() => MixtralModel.Load(_gguf.Path, options, progress));
        Assert.Equal(0, progress.Reports);
        Assert.Equal(_weightBytes, error.AvailableBytes);
        Assert.True(error.NeededBytes > _weightBytes);
        Assert.Contains(
            $"mixtralvk pack \"{_gguf.Path}\" -o \"{Path.ChangeExtension(_gguf.Path, ".mvk")}\"", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(MapMode.Auto, 2.0, false)]
    [InlineData(MapMode.Auto, 1.1, true)]   // above 80 %
    [InlineData(MapMode.Auto, 0.5, true)]
    [InlineData(MapMode.Never, 2.0, false)]
    [InlineData(MapMode.Always, 2.0, true)]
    public void A_packed_model_is_mapped_when_it_does_not_fit_or_by_option(MapMode mode, double memoryPerWeights, bool mapped)
    {
        using MixtralModel model = MixtralModel.Load(_packed.Path,
            new MixtralOptions { Device = DeviceKind.Cpu, Map = mode, MainMemoryBytes = (long)(_weightBytes * memoryPerWeights) });
        Assert.Equal(mapped, model.Memory.MappedBytes > 0);
        Assert.Equal(_weightBytes, model.Memory.WeightBytes);
        if (mapped) Assert.True(model.Memory.TotalBytes < _weightBytes / 2);
    }

    [Fact]
    public void A_packed_model_that_is_not_to_be_mapped_must_fit() =>
        Assert.Throws<HostMemoryException>(() => MixtralModel.Load(_packed.Path,
            new MixtralOptions { Device = DeviceKind.Cpu, Map = MapMode.Never, MainMemoryBytes = _weightBytes / 2 }));

    [Fact]
    public void Mapping_a_gguf_is_refused_with_the_command_that_helps() => Assert.Contains("mixtralvk pack ",
        Assert.Throws<ModelFileException>(() => MixtralModel.Load(_gguf.Path,
            new MixtralOptions { Device = DeviceKind.Cpu, Map = MapMode.Always })).Message, StringComparison.Ordinal);

    [Fact]
    public void A_memory_budget_is_not_for_what_is_mapped()
    {
        var options = new MixtralOptions { Device = DeviceKind.Cpu, MemoryBudgetBytes = _weightBytes / 2 };
        Assert.Throws<MemoryBudgetException>(() => MixtralModel.Load(_packed.Path, options));
        MixtralModel.Load(_packed.Path, options with { Map = MapMode.Always }).Dispose();
    }

    private sealed class Counter : IProgress<LoadProgress>
    {
        public int Reports { get; private set; }
        public void Report(LoadProgress value) => Reports++;
    }
}
