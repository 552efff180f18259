using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Packing;
using MixtralVk.Planning;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Planning;

/// <summary>Plans for machines that are numbers, at the edges where the place changes, and beside what loading really does.</summary>
public sealed class PlanTests : IDisposable
{
    private readonly TemporaryFile _file = new SyntheticModel { Dim = 256, Hidden = 512, Heads = 4, Weights = WeightFormat.Q4_0 }.WriteTemporary(), _packed = new(".mvk");
    private readonly ModelSource _source;
    private readonly Plan _plan;

    public PlanTests()
    {
        _source = ModelSource.Open(_file.Path);
        _plan = Plan.For(_source, Roomy);
    }

    private static Machine Roomy => new(MainMemoryBytes: 1L << 34, MemoryBytesPerSecond: 20e9, FileBytesPerSecond: 2e9, VideoMemoryBytes: 0);

    public void Dispose()
    {
        _source.Dispose();
        _packed.Dispose();
        _file.Dispose();
    }

    [Fact]
    public void Memory_is_what_a_loaded_model_takes()
    {
        using MixtralModel model = MixtralModel.Load(_file.Path, new MixtralOptions { Device = DeviceKind.Cpu });
        Assert.Equal(model.Memory, new MemoryUsage(_plan.ExpertBytes + _plan.OtherWeightBytes, _plan.KvCacheBytes));
        Assert.Equal((model.ContextLength, 2 * 8), (_plan.ContextLength, _plan.ExpertCount));
    }

    [Fact]
    public void Main_memory_gives_tokens_at_its_speed_over_the_weights_of_a_token()
    {
        ModelSummary summary = _source.Describe();
        Assert.Equal(PlannedPlace.MainMemory, _plan.Place);
        Assert.Equal(20e9 / summary.BytesPerToken, _plan.TokensPerSecond!.Value, 1e-6);
        Assert.Equal(summary.FileBytes / 2e9, _plan.LoadSeconds!.Value, 1e-9);
        Assert.StartsWith("The speed of main memory", _plan.Limit);
        Assert.DoesNotContain("video", _plan.Limit);
    }

    [Fact]
    public void All_or_nothing_goes_to_the_gpu_and_what_would_fit_is_counted()
    {
        Plan whole = Plan.For(_source, Roomy with { VideoMemoryBytes = _plan.TotalBytes }), almost = Plan.For(_source, Roomy with { VideoMemoryBytes = _plan.TotalBytes - 1 });
        Assert.Equal((PlannedPlace.Gpu, 16), (whole.Place, whole.ResidentExperts));
        Assert.Equal((PlannedPlace.MainMemory, 15), (almost.Place, almost.ResidentExperts));
        Assert.Contains("video memory", almost.Limit);
        long expert = _plan.ExpertBytes / 16, rest = _plan.OtherWeightBytes + _plan.KvCacheBytes;
        Assert.Equal(3, Plan.For(_source, Roomy, new PlanBudget { VideoMemoryBytes = rest + 4 * expert - 1 }).ResidentExperts);
        Assert.Equal(0, Plan.For(_source, Roomy, new PlanBudget { VideoMemoryBytes = rest - 1 }).ResidentExperts);
    }

    [Fact]
    public void A_file_that_main_memory_does_not_hold_is_refused_as_loading_refuses_it()
    {
        Plan fits = Plan.For(_source, Roomy, new PlanBudget { MainMemoryBytes = _plan.TotalBytes }), not = Plan.For(_source, Roomy, new PlanBudget { MainMemoryBytes = _plan.TotalBytes - 1 });
        Assert.Equal(PlannedPlace.MainMemory, fits.Place);
        Assert.Equal(PlannedPlace.Nowhere, not.Place);
        Assert.Null(not.TokensPerSecond);
        Assert.Contains("mixtralvk pack", not.Limit);
        var options = new MixtralOptions { Device = DeviceKind.Cpu, MainMemoryBytes = _plan.TotalBytes - 1 };
        Assert.Throws<HostMemoryException>(() => MixtralModel.Load(_file.Path, options));
    }

    [Fact]
    public void A_packed_file_is_mapped_and_pays_for_what_memory_does_not_hold()
    {
        ModelPacker.Pack(_source, _packed.Path);
        using ModelSource packed = ModelSource.Open(_packed.Path);
        ModelSummary summary = packed.Describe();
        Plan held = Plan.For(packed, Roomy, new PlanBudget { MainMemoryBytes = _plan.TotalBytes }), half = Plan.For(packed, Roomy,
            new PlanBudget { MainMemoryBytes = _plan.KvCacheBytes + summary.WeightBytes / 2 });
        Assert.Equal((PlannedPlace.MappedFile, 0L), (held.Place, held.FileBytesPerToken));
        Assert.Equal(20e9 / summary.BytesPerToken, held.TokensPerSecond!.Value, 1e-6);
        Assert.Equal(PlannedPlace.MappedFile, half.Place);
        Assert.InRange(half.FileBytesPerToken, summary.BytesPerToken / 2 - 2, summary.BytesPerToken / 2 + 2);
        Assert.Equal(1 / (summary.BytesPerToken / 20e9 + half.FileBytesPerToken / 2e9), half.TokensPerSecond!.Value, 1e-6);
        Assert.StartsWith("The speed of the file: main memory holds 50", half.Limit);
    }

    [Fact]
    public void The_context_is_the_one_loading_takes()
    {
        Assert.Equal(64, Plan.For(_source, Roomy, new PlanBudget { ContextLength = 64 }).ContextLength);
        Assert.Equal(_source.Config.ContextLength, Plan.For(_source, Roomy, new PlanBudget { ContextLength = int.MaxValue }).ContextLength);
        Assert.Equal(2 * _plan.KvCacheBytes, Plan.For(_source, Roomy, new PlanBudget { KvFormat = KvFormat.F32 }).KvCacheBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => Plan.For(_source, Roomy, new PlanBudget { ContextLength = 0 }));
    }

    [Fact]
    public void A_machine_measures_itself()
    {
        Machine machine = Machine.Measure(_file.Path, threads: 2, videoMemoryBytes: 7);
        Assert.True(machine is { MemoryBytesPerSecond: > 1e8, FileBytesPerSecond: > 1e6, VideoMemoryBytes: 7, MainMemoryBytes: > 1 << 28 }, machine.ToString());
    }
}
