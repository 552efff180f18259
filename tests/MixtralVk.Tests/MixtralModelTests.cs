using MixtralVk.Loading;

namespace MixtralVk.Tests;

public class MixtralModelTests
{
    private static readonly MixtralOptions s_cpu = new() { Device = DeviceKind.Cpu };

    [Fact]
    public void LoadTellsWhatItLoaded()
    {
        var seen = new List<LoadProgress>();
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, s_cpu with { ContextLength = 100, KvCacheTokens = 200 }, new Recorder(seen));
        Assert.Equal(100, model.ContextLength);
        Assert.Equal(7, model.ForwardPass.Pages.PageCount); // 200 tokens in pages of 32
        Assert.Equal(7 * 32 * 4 * 2 * 64 * 2, model.Memory.KvCacheBytes); // 4 layers, K and V, 2 heads of 32, two bytes
        Assert.InRange(model.Memory.WeightBytes, 4_000_000, 5_500_000);
        Assert.Equal(DeviceKind.Cpu, model.Device.Kind);
        Assert.Equal(2048, model.Tokenizer.VocabSize);
        Assert.NotNull(model.ChatTemplate);
        Assert.Equal(seen[^1].TotalBytes, seen[^1].DoneBytes);
    }

    [Fact]
    public async Task ContextIsAtMostTheModels()
    {
        using MixtralModel model = await MixtralModel.LoadAsync(ShippedModel.Path, s_cpu with { ContextLength = 100_000 });
        Assert.Equal(512, model.ContextLength);
    }

    [Fact]
    public void ABudgetTooSmallIsRefusedBeforeLoading()
    {
        var error = Assert.Throws<MemoryBudgetException>(() => MixtralModel.Load(ShippedModel.Path, s_cpu with { MemoryBudgetBytes = 1_000_000 }));
        Assert.True(error.Needed > 4_000_000 && error.Budget == 1_000_000);
    }

    [Fact]
    public void LoadingCanBeCancelled()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => MixtralModel.Load(ShippedModel.Path, s_cpu, null, cancelled.Token));
    }

    [Fact]
    public void BadOptionsAndFilesAreTypedErrors()
    {
        MixtralOptions[] bad =
        [
            s_cpu with { ContextLength = 0 }, s_cpu with { ChunkTokens = 0 }, s_cpu with { KvCacheTokens = -1 }, s_cpu with { CpuThreads = 0 },
            s_cpu with { MemoryBudgetBytes = 0 }, s_cpu with { AdapterIndex = -1 },
        ];
        Assert.All(bad, options => Assert.Throws<ArgumentOutOfRangeException>(() => MixtralModel.Load(ShippedModel.Path, options)));
        Assert.Throws<ModelFileException>(() => MixtralModel.Load(Path.Combine(AppContext.BaseDirectory, "no such file.gguf"), s_cpu));
    }

    private sealed class Recorder(List<LoadProgress> seen) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            lock (seen) seen.Add(value);
        }
    }
}
