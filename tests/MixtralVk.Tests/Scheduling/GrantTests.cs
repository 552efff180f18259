using MixtralVk.Model;
using MixtralVk.SaveGames;
using MixtralVk.Scheduling;
using MixtralVk.Testing;

namespace MixtralVk.Tests.Scheduling;

/// <summary>What is not a step of a text keeps to what frames grant, too, and holds up nobody meanwhile.</summary>
[Collection(VulkanCollection.Name)]
public sealed class GrantTests
{
    /// <summary>Less than almost anything takes.</summary>
    private static readonly FrameBudget s_least = new(0.001, 0.001);

    public static TheoryData<DeviceKind> Devices => [DeviceKind.Cpu, DeviceKind.Vulkan];

    [Fact]
    public void Pages_that_come_back_from_the_host_are_copied_over_many_frames()
    {
        using MixtralModel model = Open(DeviceKind.Vulkan, Pacing.PerFrame, cacheTokens: 10 * KvPages.PageTokens);
        int[] text = TestDevices.RandomTokens(6 * KvPages.PageTokens + 1, model.Config.VocabSize);
        using Session first = model.StartSession(), second = model.StartSession();
        Complete(model, () => first.Prefill(text));
        Complete(model, () => second.Prefill([.. text.Reverse(), .. text.AsSpan(0, 32)])); // eight pages: the first six leave
        Tick(model, s_least);
        Slices(model);
        Task back = Task.Run(() => first.Prefill([.. text, 5]));
        int most = 0;
        while ((most == 0 || model.ForwardPass.PagesToMove > 0) && !back.IsCompleted)
        {
            Tick(model, s_least);
            most = Math.Max(most, model.ForwardPass.PagesToMove);
            if (most > 0) AssertFree(second);
        }
        List<Slice> slices = Slices(model);
        Assert.InRange(most, 6, 16);
        AssertKept(slices, least: 2);
        Complete(model, back);
        Assert.Equal(6 * KvPages.PageTokens, first.PrefillTimings.ReusedTokens);
    }

    [Theory, MemberData(nameof(Devices))]
    public async Task Pages_go_to_a_save_and_come_from_one_over_many_frames(DeviceKind device)
    {
        using MixtralModel model = Open(device, Pacing.PerFrame, cacheTokens: 10 * KvPages.PageTokens);
        int[] text = TestDevices.RandomTokens(6 * KvPages.PageTokens + 1, model.Config.VocabSize),
            other = [.. text.Reverse(), .. text.AsSpan(0, 3 * KvPages.PageTokens)];
        using Session first = model.StartSession(), second = model.StartSession();
        Complete(model, () => first.Prefill(text));
        SavedKeys saved = await Export(model, leastSlices: 2); // what a page takes is not known: the first is alone
        Assert.Equal(6, saved.Pages.Count);
        Complete(model, () => second.Prefill(other)); // all ten pages: what was saved is on the host, or nowhere
        SavedKeys again = await Export(model, leastSlices: device == DeviceKind.Cpu ? 0 : 1);
        Assert.Equal(device == DeviceKind.Cpu ? 0 : 6, again.Pages.Count);
        for (int i = 0; i < again.Pages.Count; i++) Assert.True(again.Pages[i].Span.SequenceEqual(saved.Pages[i].Span), $"page {i}");

        using MixtralModel loading = Open(device, Pacing.PerFrame);
        using Session loaded = loading.StartSession();
        loading.Scheduler.Add(new KvImport(loading.ForwardPass, saved));
        SavedKeys there = await Export(loading, leastSlices: 2);
        Assert.Equal(6, there.Pages.Count);
        Complete(loading, () => loaded.Prefill(text));
        Assert.Equal(6 * KvPages.PageTokens, loaded.PrefillTimings.ReusedTokens);

        async Task<SavedKeys> Export(MixtralModel model, int leastSlices)
        {
            Tick(model, s_least); // in the place of what is left of a larger grant
            Slices(model);
            var export = new KvExport(model.ForwardPass, text, long.MaxValue);
            model.Scheduler.Add(export);
            while (!export.Keys.IsCompleted) Tick(model, s_least);
            AssertKept(Slices(model), leastSlices);
            return await export.Keys;
        }
    }

    [Fact]
    public async Task A_save_has_room_at_once_after_the_last_step_of_a_text_that_fills_the_cache()
    {
        using MixtralModel model = Open(DeviceKind.Vulkan, Pacing.Free, cacheTokens: 10 * KvPages.PageTokens);
        int[] text = TestDevices.RandomTokens(6 * KvPages.PageTokens + 1, model.Config.VocabSize);
        using Session first = model.StartSession(), second = model.StartSession();
        first.Prefill(text);
        var export = new KvExport(model.ForwardPass, text, long.MaxValue);
        // Comes between the step and the next.
        var options = new GenerationOptions { MaxTokens = 1, Adjust = (_, _) => model.Scheduler.Add(export) };
        foreach (var _ in second.Generate([.. text.Reverse(), .. text.AsSpan(0, 3 * KvPages.PageTokens)], options)) { }
        Assert.Equal(6, (await export.Keys).Pages.Count);
    }

    [Theory, MemberData(nameof(Devices))]
    public async Task An_embedding_is_computed_over_many_frames(DeviceKind device)
    {
        using MixtralModel free = Open(device, Pacing.Free), game = Open(device, Pacing.PerFrame);
        int[] tokens = TestDevices.RandomTokens(40, free.Config.VocabSize);
        using Session session = game.StartSession();
        Complete(game, () => session.Prefill(tokens.AsSpan(0, 5)));
        Tick(game, s_least);
        Slices(game);
        Task<float[]> vector = game.EmbedAsync(tokens);
        var slices = new List<Slice>();
        while (!vector.IsCompleted)
        {
            Tick(game, s_least);
            slices.AddRange(Slices(game));
            if (slices.Count > 0) AssertFree(session);
        }
        slices.AddRange(Slices(game));
        Assert.Equal(await free.EmbedAsync(tokens), await vector);
        AssertKept(slices, least: 4 * game.Config.LayerCount);
    }

    [Fact]
    public async Task An_embedding_waits_for_ticks()
    {
        using MixtralModel model = Open(DeviceKind.Cpu, Pacing.PerFrame);
        Task<float[]> vector = model.EmbedAsync(TestDevices.RandomTokens(40, model.Config.VocabSize));
        Tick(model, s_least);
        model.Pause();
        await Task.Delay(50);
        Assert.False(vector.IsCompleted);
        model.Resume();
        Complete(model, vector);
    }

    /// <summary>Nobody holds what other threads need, while work waits for the next frame.</summary>
    private static void AssertFree(Session idle) => Assert.True(Task.Run(() => idle.Tokens.Length).Wait(TimeSpan.FromSeconds(20)));

    /// <summary>So many slices, and none begun in a frame whose grant was spent.</summary>
    private static void AssertKept(List<Slice> slices, int least)
    {
        Assert.InRange(slices.Count, least, int.MaxValue);
        foreach (IGrouping<long, Slice> frame in slices.GroupBy(slice => slice.Frame))
            Assert.InRange(frame.SkipLast(1).Sum(slice => slice.Milliseconds), 0, s_least.GpuMilliseconds);
    }

    private static List<Slice> Slices(MixtralModel model)
    {
        var slices = new Slice[1024];
        return [.. slices.AsSpan(0, model.ReadSlices(slices))];
    }

    private static void Complete(MixtralModel model, Action action) => Complete(model, Task.Run(action));

    private static void Complete(MixtralModel model, Task task)
    {
        while (!task.IsCompleted) Tick(model, FrameBudget.Unlimited);
        task.GetAwaiter().GetResult();
    }

    private static void Tick(MixtralModel model, FrameBudget budget)
    {
        model.Tick(budget);
        Thread.Sleep(0);
    }

    private static MixtralModel Open(DeviceKind device, Pacing pacing, int cacheTokens = 512) =>
        MixtralModel.Load(ShippedModel.Path, new MixtralOptions
    {
        Device = device, CpuThreads = 2, ContextLength = 320, KvCacheTokens = cacheTokens, ChunkTokens = 64, Pacing = pacing,
        IdleMemoryBytes = 8 << 20, IdleMemoryEverywhere = true,
    });
}
