using System.Globalization;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Packing;
using MixtralVk.Planning;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tests.Loading;

namespace MixtralVk.Tests.Planning;

/// <summary>Plans for machines that are numbers, at the edges where the place changes, and beside what loading really does.</summary>
public sealed class PlanTests : IDisposable
{
    private readonly TemporaryFile _file =
        new SyntheticModel { Dim = 256, Hidden = 512, Heads = 4, Weights = WeightFormat.Q4_0 }.WriteTemporary(), _packed = new(".mvk");
    private readonly ModelSource _source;
    private readonly Plan _plan;

    public PlanTests()
    {
        _source = ModelSource.Open(_file.Path);
        _plan = Plan.For(_source, Roomy);
    }

    private static Machine Roomy =>
        new(MainMemoryBytes: 1L << 34, MemoryBytesPerSecond: 20e9, FileBytesPerSecond: 2e9, VideoMemoryBytes: 0);

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
        Assert.Equal(summary.WeightBytes / 2e9, _plan.LoadSeconds!.Value, 1e-9);
        Assert.Equal(summary.WeightBytes / 5e8, Plan.For(_source, Roomy with { LoadBytesPerSecond = 5e8 }).LoadSeconds!.Value, 1e-9);
        Assert.StartsWith("The speed of main memory", _plan.Limit);
        Assert.DoesNotContain("video", _plan.Limit);
    }

    [Fact]
    public void All_goes_to_the_gpu_where_it_fits_else_the_experts_that_find_room_beside_the_rest()
    {
        long all = _plan.TotalBytes + _plan.WorkingBytes;
        Plan whole = Plan.For(_source, Roomy with { VideoMemoryBytes = all, VideoBytesPerSecond = 100e9 });
        Assert.Equal((PlannedPlace.Gpu, 16, _plan.ExpertBytes), (whole.Place, whole.ResidentExperts, whole.ResidentBytes));
        Assert.Equal(100e9 / _source.Describe().BytesPerToken, whole.TokensPerSecond!.Value, 1e-6);
        Assert.Null(Plan.For(_source, Roomy with { VideoMemoryBytes = all }).TokensPerSecond);
        Assert.Equal(PlannedPlace.GpuAndMainMemory, Plan.For(_source, Roomy with { VideoMemoryBytes = all - 1 }).Place);
    }

    /// <summary>Experts of 33 MiB, as loading places them: one's room is kept for those that move.</summary>
    [Fact]
    public void Experts_that_find_room_beside_the_rest_go_to_the_gpu()
    {
        using TemporaryFile file =
            new SyntheticModel { Dim = 256, Hidden = 11264, Experts = 4, TopK = 1, Vocab = 300, RepeatedBlocks = 4099 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        Plan whole = Plan.For(source, Roomy);
        long expert = whole.ExpertBytes / 8,
            rest = whole.OtherWeightBytes + whole.KvCacheBytes + CacheSize.WorkingBytes(source.Config, 128);
        foreach (int experts in (int[])[0, 1, 3])
        {
            Plan plan = For(rest + (experts + 2) * expert - 1);
            Assert.Equal((PlannedPlace.GpuAndMainMemory, experts, experts * expert),
                (plan.Place, plan.ResidentExperts, plan.ResidentBytes));
        }
        Plan none = For(rest - 1);
        Assert.Equal((PlannedPlace.MainMemory, 0), (none.Place, none.ResidentExperts));
        Assert.Contains($"{Mebibytes(rest - 1)} of video memory do not hold the {Mebibytes(rest)} needed beside the experts", none.Limit);

        Plan For(long video) => Plan.For(source, Roomy, new PlanBudget { VideoMemoryBytes = video });
        static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 20):0.#} MiB");
    }

    [Fact]
    public void Experts_on_both_sides_take_what_the_slower_side_takes()
    {
        ModelSummary summary = _source.Describe();
        long expert = _plan.ExpertBytes / 16;
        double layers = 2, chosen = layers * 2 * expert, dense = summary.BytesPerToken - chosen;
        Plan none = For(0, 100e9), half = For(8, 100e9);
        Assert.Equal((PlannedPlace.GpuAndMainMemory, 8), (half.Place, half.ResidentExperts));
        Assert.Equal(1 / (dense / 100e9 + chosen / 20e9), none.TokensPerSecond!.Value, 1e-6);
        Assert.StartsWith("The speed of main memory: video memory holds 0 of 16", none.Limit);
        // Half of them: with chance 1/4 both hit, 1/2 one does (and the processor is slower), 1/4 none.
        Assert.Equal(1 / (dense / 100e9 + layers * (0.25 * 2 * expert / 100e9 + 0.5 * expert / 20e9 + 0.25 * 2 * expert / 20e9)),
            half.TokensPerSecond!.Value, 1e-6);
        Assert.StartsWith("The speed of video memory: video memory holds 8 of 16", For(8, 1e9).Limit);
        Assert.True(For(8, null).TokensPerSecond > half.TokensPerSecond); // the GPU's time is not known
        Assert.Equal(1 / (summary.BytesPerToken / 50e9), For(16, 50e9).TokensPerSecond!.Value, 1e-6);
        Plan unknown = For(16, null); // nothing is left to the processor, and the GPU's time is not known
        Assert.Null(unknown.TokensPerSecond);
        Assert.StartsWith("Nothing", unknown.Limit);

        Plan For(int experts, double? video) => Plan.For(_source, Roomy with { VideoMemoryBytes = 1L << 30, VideoBytesPerSecond = video },
            new PlanBudget { ExpertBudgetBytes = experts * expert });
    }

    /// <summary>Experts of one layer may differ in format; their bytes are those of loading all the same.</summary>
    [Fact]
    public void Experts_of_different_formats_count_with_their_own_bytes()
    {
        using TemporaryFile file = FileAgesTests.ExpertsOfTwoFormats();
        using ModelSource source = ModelSource.Open(file.Path);
        long bytes = ExpertLayout.All(source).Sum(layer => layer.Sum(expert => expert.Bytes));
        Assert.NotEqual(bytes, source.Config.LayerCount * source.Config.ExpertCount * ExpertLayout.Of(source, 0, 0).Bytes);
        Assert.Equal(bytes, source.Describe().ExpertBytes);
        using MixtralModel model = MixtralModel.Load(file.Path, new MixtralOptions { Device = DeviceKind.Cpu });
        Assert.Equal(source.Describe().WeightBytes, model.Memory.WeightBytes);
    }

    [Fact]
    public void A_file_that_main_memory_does_not_hold_is_refused_as_loading_refuses_it()
    {
        Plan fits = Plan.For(_source, Roomy, new PlanBudget { MainMemoryBytes = _plan.TotalBytes }),
            not = Plan.For(_source, Roomy, new PlanBudget { MainMemoryBytes = _plan.TotalBytes - 1 });
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
        Assert.Equal(_source.Config.ContextLength, Plan.For(_source, Roomy).ContextLength);
        Assert.Throws<ContextOverflowException>(() => Plan.For(_source, Roomy, new PlanBudget { ContextLength = int.MaxValue }));
        Assert.Equal(2 * _plan.KvCacheBytes, Plan.For(_source, Roomy, new PlanBudget { KvFormat = KvFormat.F32 }).KvCacheBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => Plan.For(_source, Roomy, new PlanBudget { ContextLength = 0 }));
    }

    [Fact]
    public void A_machine_measures_itself()
    {
        Machine machine = Machine.Measure(_file.Path, threads: 2, videoMemoryBytes: 7);
        // The file is small: a thread that stands still for a moment makes it a slow one.
        Assert.True(machine is { MemoryBytesPerSecond: > 1e8, FileBytesPerSecond: > 1e4, LoadBytesPerSecond: > 1e4, VideoMemoryBytes: 7,
            MainMemoryBytes: > 1 << 28 }, machine.ToString());
    }
}
