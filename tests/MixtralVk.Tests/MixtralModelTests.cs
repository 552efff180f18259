using MixtralVk.Experts;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests;

[Collection(VulkanCollection.Name)]
public class MixtralModelTests
{
    private static readonly MixtralOptions s_cpu = new() { Device = DeviceKind.Cpu };

    [Fact]
    public void LoadTellsWhatItLoaded()
    {
        var seen = new List<LoadProgress>();
        using MixtralModel model =
            MixtralModel.Load(ShippedModel.Path, s_cpu with { ContextLength = 100, KvCacheTokens = 200 }, new Recorder(seen));
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
    public async Task ContextIsTheModelsAndALongerOneIsRefused()
    {
        using MixtralModel model = await MixtralModel.LoadAsync(ShippedModel.Path, s_cpu);
        Assert.Equal(512, model.ContextLength);
        var error = await Assert.ThrowsAsync<ContextOverflowException>(() =>
            MixtralModel.LoadAsync(ShippedModel.Path, s_cpu with { ContextLength = 32768 }));
        Assert.Equal((32768, 512), (error.Wanted, error.Available));
    }

    [Fact]
    public void ABudgetTooSmallIsRefusedBeforeLoading()
    {
        var error = Assert.Throws<MemoryBudgetException>(() =>
            MixtralModel.Load(ShippedModel.Path, s_cpu with { MemoryBudgetBytes = 1_000_000 }));
        Assert.True(error.Needed > 4_000_000 && error.Budget == 1_000_000);
    }

    [Theory]
    [InlineData(DeviceKind.Cpu)]
    [InlineData(DeviceKind.Vulkan)]
    public void WhatTheWeightsLeaveOfABudgetIsForKeysAndValues(DeviceKind device)
    {
        MixtralOptions options = s_cpu with { Device = device, ContextLength = 128 };
        long Pages(long budgetMiB)
        {
            using MixtralModel model = MixtralModel.Load(ShippedModel.Path, options with { MemoryBudgetBytes = budgetMiB << 20 });
            Assert.InRange(model.Memory.TotalBytes, 1, budgetMiB << 20);
            Assert.Equal(model.Memory.KvCacheBytes, model.ForwardPass.Pages.PageCount * 32 * model.ForwardPass.KvTokenBytes);
            return model.ForwardPass.Pages.PageCount;
        }
        Assert.Equal(4, Pages(60)); // one context: the rest is kept for intermediate results
        long some = Pages(79);
        Assert.InRange(some, 5, 255);
        Assert.Equal(some + 32, Pages(80)); // a page is 32 KiB here
        Assert.Equal(64 * 4, Pages(500));
        using MixtralModel fixedSize =
            MixtralModel.Load(ShippedModel.Path, options with { MemoryBudgetBytes = 500 << 20, KvCacheTokens = 320 });
        Assert.Equal(10, fixedSize.ForwardPass.Pages.PageCount);
    }

    [Fact]
    public void ACacheThatMainMemoryCannotHoldIsRefusedWithWhatHelps()
    {
        var error = Assert.Throws<HostMemoryException>(() =>
            MixtralModel.Load(ShippedModel.Path, s_cpu with { KvCacheTokens = 1 << 20, MainMemoryBytes = 100 << 20 }));
        Assert.Contains("smaller KV cache", error.Message, StringComparison.Ordinal);
    }

    /// <summary>On a card whose memory is not the host's, too, before there are tables of so many pages.</summary>
    [Fact]
    public void PagesBeyondTheDeviceOrMainMemoryAreRefusedAtOnce()
    {
        MixtralOptions vulkan = s_cpu with { Device = DeviceKind.Vulkan, MainMemoryBytes = 1L << 50 };
        Assert.Throws<GpuModelException>(() => MixtralModel.Load(ShippedModel.Path, vulkan with { KvCacheTokens = int.MaxValue }));
        var error = Assert.Throws<HostMemoryException>(() => MixtralModel.Load(ShippedModel.Path,
            vulkan with { IdleMemoryBytes = long.MaxValue, IdleMemoryEverywhere = true }));
        Assert.Contains("8796093022208 MiB", error.Message, StringComparison.Ordinal);
        Assert.Contains("less idle memory", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Part of the experts on the device: what is read for the device, for the processor and into slots is one way.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    public void LoadingExpertsOnBothSidesNeverGoesBack(long budget)
    {
        var seen = new List<LoadProgress>();
        MixtralOptions options = s_cpu with { Device = DeviceKind.Vulkan, ExpertBudgetBytes = budget };
        using (MixtralModel model = MixtralModel.Load(ShippedModel.Path, options, new Recorder(seen)))
            Assert.Equal(budget > 0, ((VulkanForwardPass)model.ForwardPass).ResidentExperts > 0);
        Assert.Equal(seen.Select(progress => progress.DoneBytes).Order(), seen.Select(progress => progress.DoneBytes));
        Assert.All(seen, progress => Assert.Equal(seen[^1].DoneBytes, progress.TotalBytes));
    }

    /// <summary>
    /// Whether loading is given up somewhere on the way or the model is used and disposed of, device and driver get all back.
    /// </summary>
    [Fact]
    public async Task LoadingTellsHowFarItIsAndNothingStaysOnTheDevice()
    {
        MixtralOptions options =
            s_cpu with { Device = DeviceKind.Vulkan, WithGpuOptions = gpu => gpu with { ReplaceCommand = VulkanMemory.Count() } };
        var seen = new List<LoadProgress>();
        using (MixtralModel model = await MixtralModel.LoadAsync(ShippedModel.Path, options, new Recorder(seen)))
        {
            using Chat chat = model.StartChat("You are Mira.", new GenerationOptions { MaxTokens = 5 });
            Assert.NotEmpty(string.Concat(chat.Ask("Who are you?")));
            Assert.InRange(VulkanMemory.LiveBytes, model.Memory.TotalBytes, long.MaxValue);
        }
        Assert.Equal((0, 0), (VulkanMemory.LiveBytes, VulkanMemory.LiveDevices));
        long[] done = [.. seen.Select(progress => progress.DoneBytes)];
        Assert.True(done.Length > 20);
        Assert.Equal(done.Order(), done);
        Assert.All(seen, progress => Assert.Equal(seen[^1].DoneBytes, progress.TotalBytes));

        foreach (long at in (long[])[-1, 0, done[done.Length / 2], done[^2]])
        {
            using var cancellation = new CancellationTokenSource();
            if (at < 0) cancellation.Cancel();
            var stopper = new Stopper(cancellation, at);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                MixtralModel.LoadAsync(ShippedModel.Path, options, stopper, cancellation.Token));
            Assert.Equal((0, 0), (VulkanMemory.LiveBytes, VulkanMemory.LiveDevices));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                MixtralModel.LoadAsync(ShippedModel.Path, s_cpu, stopper, cancellation.Token));
        }
    }

    [Fact]
    public void BadOptionsAndFilesAreTypedErrors()
    {
        MixtralOptions[] bad =
        [
            s_cpu with { ContextLength = 0 }, s_cpu with { ChunkTokens = 0 }, s_cpu with { KvCacheTokens = -1 },
            s_cpu with { CpuThreads = 0 },
            s_cpu with { CpuThreads = 1_000_000 }, s_cpu with { MemoryBudgetBytes = 0 }, s_cpu with { AdapterIndex = -1 },
            s_cpu with { KvFormat = (KvFormat)77 }, s_cpu with { Pacing = (Pacing)77 },
            s_cpu with { Device = (DeviceKind)77 }, s_cpu with { CpuArithmetic = (CpuArithmetic)77 }, s_cpu with { Map = (MapMode)77 },
            s_cpu with { ExpertPlacement = (ExpertPlacement)77 },
            s_cpu with { ThreadPlacement = new ThreadPlacement((ThreadPriority)77) },
        ];
        Assert.All(bad, options => Assert.Throws<ArgumentOutOfRangeException>(() => MixtralModel.Load(ShippedModel.Path, options)));
        Assert.Throws<ArgumentException>(() => MixtralModel.Load(ShippedModel.Path, new MixtralOptions { AdapterName = "" }));
        Assert.Throws<ModelFileException>(() => MixtralModel.Load(Path.Combine(AppContext.BaseDirectory, "no such file.gguf"), s_cpu));
    }

    [Fact]
    public void TheSameAnswersOnVulkanAsOnTheCpu()
    {
        using MixtralModel cpu = MixtralModel.Load(ShippedModel.Path, s_cpu),
            vulkan = MixtralModel.Load(ShippedModel.Path, s_cpu with { Device = DeviceKind.Vulkan });
        Assert.Equal(DeviceKind.Vulkan, vulkan.Device.Kind);
        var greedy = new GenerationOptions { Temperature = 0, MaxTokens = 32 };
        using Chat a = cpu.StartChat("You are Mira, a cheerful baker from Oakvale.", greedy),
            b = vulkan.StartChat("You are Mira, a cheerful baker from Oakvale.", greedy);
        foreach (string question in new[] { "Who are you?", "Where do you live?" })
            Assert.Equal(string.Concat(a.Ask(question)), string.Concat(b.Ask(question)));
    }

    [Fact]
    public void AnUnknownAdapterIsATypedError() =>
        Assert.Throws<DeviceNotFoundException>(() =>
            MixtralModel.Load(ShippedModel.Path, new MixtralOptions { AdapterName = "no such adapter" }));

    [Fact]
    public void WithoutAKnownFormOfConversationRawTextStillWorks()
    {
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using MixtralModel model = MixtralModel.Load(file.Path, s_cpu);
        Assert.Null(model.ChatTemplate);
        Assert.Throws<ChatTemplateException>(() => model.StartChat("You are Mira."));
        using Session session = model.StartSession();
        session.Prefill(model.Tokenizer.Encode("the door"));
        Assert.NotEmpty(session.Generate(new GenerationOptions { MaxTokens = 3 }));
    }

    [Fact]
    public void AnotherKindOfVocabularyIsRefused()
    {
        using TemporaryFile file = TemporaryFile.With(
            new SyntheticModel().ToWriter().Remove("tokenizer.ggml.model").Add("tokenizer.ggml.model", "gpt2").ToBytes());
        Assert.Throws<TokenizerException>(() => MixtralModel.Load(file.Path, s_cpu));
    }

    [Theory]
    [InlineData("output.weight")]
    [InlineData("blk.1.ffn_norm.weight")]
    public void DamagedWeightsEndAStepAndLeaveTheSessionUsable(string tensor)
    {
        using TemporaryFile file = new SyntheticModel { Damage = new Dictionary<string, float> { [tensor] = float.NaN } }.WriteTemporary();
        using MixtralModel model = MixtralModel.Load(file.Path, s_cpu with { ContextLength = 64, ChunkTokens = 8 });
        int free = model.ForwardPass.Pages.FreeCount;
        using Session session = model.StartSession();
        for (int attempt = 0; attempt < 3; attempt++)
        {
            Assert.Throws<NonFiniteException>(() => session.Prefill([1, 5, 6, 7, 8, 9, 10, 11, 12, 13]));
            Assert.InRange(session.Tokens.Length, 0, 8);
        }
        session.Prefill([]);
        Assert.Equal(free, model.ForwardPass.Pages.FreeCount);
    }

    [Fact]
    public void SessionsOnSeveralThreadsTakeTurns()
    {
        using MixtralModel model =
            MixtralModel.Load(ShippedModel.Path, s_cpu with { KvCacheTokens = 4 * 512, CpuThreads = 1, ChunkTokens = 8 });
        string[] personas =
            [.. new[] { "Mira", "Hugo", "Iska", "Pierre" }.Select(name => $"You are {name}, a gruff miller from Hillmere.")];
        string[] Ask(string persona)
        {
            using Chat chat = model.StartChat(persona, new GenerationOptions { Temperature = 0, MaxTokens = 20 });
            return [string.Concat(chat.Ask("Who are you?")), string.Concat(chat.Ask("Where do you live?"))];
        }
        string[][] alone = [.. personas.Select(Ask)], together = new string[personas.Length][];
        Parallel.For(0, personas.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i => together[i] = Ask(personas[i]));
        Assert.Equal(alone, together);
    }

    /// <summary>Cancels as soon as so many bytes are there.</summary>
    private sealed class Stopper(CancellationTokenSource cancellation, long at) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            if (value.DoneBytes >= at) cancellation.Cancel();
        }
    }

    private sealed class Recorder(List<LoadProgress> seen) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            lock (seen) seen.Add(value);
        }
    }
}
