using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model.Vulkan;
using MixtralVk.Testing;

namespace MixtralVk.Tests;

/// <summary>The device is lost in the middle of whatever: texts come out as if it had not been.</summary>
[Collection(VulkanCollection.Name)]
public sealed class DeviceLossTests
{
    private static readonly GenerationOptions s_greedy = new() { Temperature = 0, MaxTokens = 10 };
    private static readonly MixtralOptions s_own = new() { Device = DeviceKind.Vulkan, ContextLength = 128, ChunkTokens = 8 };

    [Theory]
    [InlineData(0, int.MaxValue)]   // before the prompt is computed
    [InlineData(2, int.MaxValue)]   // in the middle of it
    [InlineData(9, int.MaxValue)]   // in the middle of the answer
    [InlineData(int.MaxValue, 9)]   // noticed while waiting
    public void A_device_of_its_own_is_opened_again_and_texts_go_on(int submissions, int waits)
    {
        string[] expected = Undisturbed(s_own, Together);

        using MixtralModel model = Load(s_own with { WithGpuOptions = WithFaults() });
        var told = new List<DeviceLostEventArgs>();
        model.DeviceLost += (_, e) => told.Add(e);
        (VulkanFaults.SubmissionsLeft, VulkanFaults.WaitsLeft) = (submissions, waits);
        Assert.Equal(expected, Together(model));
        Assert.False(Assert.Single(told).NeedsAttach);
        Assert.Equal(2, VulkanFaults.Devices);

        // What is left of the pages' contents is not taken for computed.
        Assert.Equal(expected, Together(model));
        Assert.Single(told);
    }

    /// <summary>
    /// Experts on both sides: the loss comes between router and experts, among the processor's, while one moves; the next device has the
    /// experts of this one.
    /// </summary>
    [Theory]
    [InlineData(7, int.MaxValue)]
    [InlineData(int.MaxValue, 25)]
    public void Experts_that_are_shared_come_back_with_the_device(int submissions, int waits)
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        MixtralOptions quarter =
            s_own with { ExpertBudgetBytes = source.Describe().ExpertBytes / 4, ExpertPlacement = ExpertPlacement.Fixed };
        string[] expected = Undisturbed(quarter, Together);
        using (MixtralModel model = Load(quarter with { WithGpuOptions = WithFaults() }))
        {
            (VulkanFaults.SubmissionsLeft, VulkanFaults.WaitsLeft) = (submissions, waits);
            Assert.Equal(expected, Together(model));
            Assert.Equal((2, 8), (VulkanFaults.Devices, ((VulkanForwardPass)model.ForwardPass).ResidentExperts));
        }
        using MixtralModel moving = Load(quarter with { ExpertPlacement = ExpertPlacement.FollowsUse, WithGpuOptions = WithFaults() });
        var pass = (VulkanForwardPass)moving.ForwardPass;
        Text(moving);
        Assert.True(SpinWait.SpinUntil(() => pass.ExpertActivity.Sum(layer => layer.Replacements) > 0, 10_000));
        (VulkanFaults.SubmissionsLeft, VulkanFaults.WaitsLeft) = (submissions, waits);
        Assert.All(Together(moving), text => Assert.NotEmpty(text));
        Assert.Equal((2, 8), (VulkanFaults.Devices, pass.ResidentExperts));
        Assert.Contains(Enumerable.Range(0, source.Config.LayerCount)
            .SelectMany(layer => Enumerable.Range(2, 6).Select(expert => new ExpertId(layer, expert))), pass.IsOnDevice);
    }

    [Fact]
    public void A_device_lost_again_and_again_is_replaced_each_time()
    {
        string expected = Undisturbed(s_own, whole => Text(whole));
        using MixtralModel model = Load(s_own with { WithGpuOptions = WithFaults() });
        int told = 0;
        model.DeviceLost += (_, _) => told++;
        for (int submissions = 0; submissions < 4; submissions++)
        {
            VulkanFaults.SubmissionsLeft = submissions;
            Assert.Equal(expected, Text(model));
        }
        Assert.Equal(4, told);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(4)] // in the last chunk of five
    public async Task A_text_that_is_embedded_begins_anew(int submissions)
    {
        int[] tokens = [.. Enumerable.Range(10, 40)];
        float[] expected;
        using (MixtralModel whole = Load(s_own)) expected = await whole.EmbedAsync(tokens);
        using MixtralModel model = Load(s_own with { WithGpuOptions = WithFaults() });
        int told = 0;
        model.DeviceLost += (_, _) => told++;
        VulkanFaults.SubmissionsLeft = submissions;
        Assert.Equal(expected, await model.EmbedAsync(tokens));
        Assert.Equal(1, told);
        Assert.Equal(expected, await model.EmbedAsync(tokens));
    }

    [Fact]
    public async Task On_a_host_s_device_texts_wait_for_the_next_one()
    {
        string[] expected = Undisturbed(s_own, Together);
        using TestGpu next = TestGpu.Open(VulkanForwardPass.Shaders), last = TestGpu.Open(VulkanForwardPass.Shaders);
        var first = TestGpu.Open(VulkanForwardPass.Shaders);
        using MixtralModel model =
            Load(new MixtralOptions { HostDevice = first.Lend(), ContextLength = 128, ChunkTokens = 8, WithGpuOptions = WithFaults() });
        var told = new TaskCompletionSource<DeviceLostEventArgs>(TaskCreationOptions.RunContinuationsAsynchronously);
        model.DeviceLost += (_, e) => told.SetResult(e);
        VulkanFaults.SubmissionsLeft = 5;
        Task<string[]> texts = Task.Run(() => Together(model));
        Assert.True((await told.Task).NeedsAttach);
        first.Dispose(); // fails where the model has left anything on it
        Assert.False(texts.IsCompleted);
        VulkanFaults.Mend();
        await model.AttachAsync(next.Lend());
        Assert.Equal(expected, await texts);

        // A host may also take its device back without a loss.
        await model.AttachAsync(last.Lend());
        Assert.Equal(expected, Together(model));
        Assert.True(last.Device.LiveBuffers == 0 && next.Device.LiveBuffers == 0); // the model's are its own
        await Assert.ThrowsAsync<GpuUnsupportedException>(() => model.AttachAsync(last.Lend() with { EnabledFeatures = [] }));
        await model.AttachAsync(last.Lend());
        Assert.Equal(expected, Together(model));
    }

    [Fact]
    public void What_a_handler_of_the_loss_throws_is_told_to_who_waits_and_the_next_goes_on()
    {
        string expected = Undisturbed(s_own, whole => Text(whole));
        using MixtralModel model = Load(s_own with { WithGpuOptions = WithFaults() });
        int told = 0;
        model.DeviceLost += (_, _) =>
        {
            told++;
            throw new InvalidDataException("the game's");
        };
        VulkanFaults.SubmissionsLeft = 2;
        Assert.Throws<InvalidDataException>(() => Text(model));
        Assert.Equal(expected, Text(model));
        Assert.Equal((1, 2), (told, VulkanFaults.Devices));
    }

    /// <summary>A game's menu: nothing is computed, and a step has not come to its end.</summary>
    [Fact]
    public async Task A_device_is_left_in_the_middle_of_a_step_without_ticks_as_well()
    {
        using TestGpu first = TestGpu.Open(VulkanForwardPass.Shaders), next = TestGpu.Open(VulkanForwardPass.Shaders);
        using MixtralModel model = Load(new MixtralOptions
            { HostDevice = first.Lend(), ContextLength = 128, ChunkTokens = 8, Pacing = Pacing.PerFrame });
        using Session session = model.StartSession();
        int[] prompt = model.Tokenizer.Encode("Hello, who are you? I am the smith of this village, and");
        Generation generation = session.Generate(prompt, s_greedy);
        while (!(model.ForwardPass.NextStage > 0 && model.ForwardPass.NextStage < model.ForwardPass.Stages.Count))
        {
            generation.TryRead(out _);
            model.Tick(new FrameBudget(0.001, 0.001));
            Thread.Sleep(1);
        }
        model.Pause();
        await model.AttachAsync(next.Lend()).WaitAsync(TimeSpan.FromSeconds(20));
        model.Resume();
        while (!generation.IsFinished)
        {
            model.Tick(new FrameBudget(100, 100));
            if (!generation.TryRead(out _)) Thread.Sleep(1);
        }
        using MixtralModel whole = Load(s_own);
        using Session other = whole.StartSession();
        Assert.Equal(other.Generate(prompt, s_greedy).Select(token => token.Id), session.Tokens[prompt.Length..].ToArray());
    }

    /// <summary>The model is loading its file onto the one before.</summary>
    [Fact]
    public async Task A_device_that_is_attached_while_another_is_being_opened_is_the_next()
    {
        using TestGpu first = TestGpu.Open(VulkanForwardPass.Shaders), next = TestGpu.Open(VulkanForwardPass.Shaders),
            last = TestGpu.Open(VulkanForwardPass.Shaders);
        MixtralModel? opening = null;
        Task? second = null;
        using MixtralModel model = Load(new MixtralOptions { HostDevice = first.Lend(), ContextLength = 128, WithGpuOptions = gpu =>
        {
            if (opening is not null) second ??= opening.AttachAsync(last.Lend());
            return gpu;
        } });
        opening = model;
        await model.AttachAsync(next.Lend());
        await second!.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.NotEmpty(Text(model));
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => { _ = model.AttachAsync(next.Lend()); });
    }

    [Fact]
    public void A_file_that_was_replaced_fails_who_waits_and_the_next_try_may_succeed()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf"), aside = path + ".aside";
        File.Copy(ShippedModel.Path, path);
        try
        {
            using MixtralModel model = MixtralModel.Load(path, s_own with { WithGpuOptions = WithFaults() });
            string expected = Text(model);
            File.Move(path, aside);
            VulkanFaults.SubmissionsLeft = 1;
            Assert.Throws<ModelFileException>(() => Text(model));
            Assert.Throws<ModelFileException>(() => Text(model));
            File.Move(aside, path);
            Assert.Equal(expected, Text(model));
        }
        finally
        {
            File.Delete(path);
            File.Delete(aside);
        }
    }

    [Fact]
    public void A_model_may_be_disposed_of_while_it_has_no_device()
    {
        using TestGpu host = TestGpu.Open(VulkanForwardPass.Shaders);
        MixtralModel model = Load(new MixtralOptions { HostDevice = host.Lend(), ContextLength = 64, WithGpuOptions = WithFaults() });
        using var told = new ManualResetEventSlim();
        model.DeviceLost += (_, _) => told.Set();
        VulkanFaults.SubmissionsLeft = 1;
        Task<string> text = Task.Run(() => Text(model));
        told.Wait();
        model.Dispose();
        Assert.IsType<ObjectDisposedException>(Record.Exception(() => text.GetAwaiter().GetResult()));
        Assert.Throws<InvalidOperationException>(() => { using MixtralModel own = Load(s_own); own.AttachAsync(host.Lend()); });
    }

    private static Func<GpuOptions, GpuOptions> WithFaults()
    {
        Func<string, nint, nint> replace = VulkanFaults.Begin();
        return options => options with { ReplaceCommand = replace };
    }

    private static MixtralModel Load(MixtralOptions options) => MixtralModel.Load(ShippedModel.Path, options);

    /// <summary>What a model says that loses nothing.</summary>
    private static T Undisturbed<T>(MixtralOptions options, Func<MixtralModel, T> says)
    {
        using MixtralModel whole = Load(options);
        return says(whole);
    }

    /// <summary>Two texts that go on at the same time.</summary>
    private static string[] Together(MixtralModel model)
    {
        Task<string> other = Task.Run(() => Text(model, "The mill stands by the river, and"));
        string text = Text(model);
        return [text, other.GetAwaiter().GetResult()];
    }

    private static string Text(MixtralModel model, string prompt = "Hello, who are you? I am the smith of this village, and")
    {
        using Session session = model.StartSession();
        return string.Concat(session.Generate(model.Tokenizer.Encode(prompt), s_greedy).Select(token => token.Text));
    }
}
