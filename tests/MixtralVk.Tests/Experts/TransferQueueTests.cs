using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model.Vulkan;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Experts;

/// <summary>
/// Experts that come on a transfer queue while steps go on. Each copy is as late as may be (<see cref="VulkanTransfers"/>), through staging
/// as on a card, and everything submitted is looked at for hazards between the queues.
/// </summary>
[Collection(VulkanCollection.Name)]
public sealed class TransferQueueTests
{
    /// <summary>A piece is handed over, steps run before it is copied, and none of them waits for it.</summary>
    [Fact]
    public void Steps_go_on_while_a_piece_is_copied_and_the_logits_are_the_reference_s()
    {
        using TemporaryFile file =
            new SyntheticModel { Weights = WeightFormat.Q4_0, Layers = 2, Hidden = 544, Dim = 160 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        var expected = new ExpectedLogits(file.Path, 30);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: WithTransfers);
        using VulkanForwardPass pass = Load(source, gpu, 50);
        var random = new Random(2);
        int beside = 0;
        for (int round = 0; round < 24; round++)
        {
            TestDevices.AllLogits(pass, [.. Enumerable.Repeat(random.Next(source.Config.VocabSize), 60)]);
            if (pass.RearrangementMilliseconds is null) continue;
            pass.Rearrange();
            if (VulkanTransfers.Late == 0) continue; // the expert's last piece is there: it came into its slot
            Assert.Equal(double.PositiveInfinity, pass.RearrangementMilliseconds);
            TestDevices.AllLogits(pass, [1]);
            beside += VulkanTransfers.Late;
            expected.Check(TestDevices.AllLogits(pass, expected.Tokens, 1));
            Assert.Equal(0, VulkanTransfers.Late);
            Assert.NotEqual(double.PositiveInfinity, pass.RearrangementMilliseconds);
        }
        Assert.True(beside > 3);
        Assert.True(pass.ExpertActivity.Sum(layer => layer.Replacements) > 3);
        Assert.Equal(0, VulkanTransfers.UnsharedBuffers);
    }

    /// <summary>Guests come to the place where a piece is on its way to, and slots go and come while one is.</summary>
    [Fact]
    public void Guests_and_budgets_give_up_a_piece_on_its_way()
    {
        using TemporaryFile file = new SyntheticModel { Weights = WeightFormat.Q4_0, Layers = 3 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        var expected = new ExpectedLogits(file.Path, 45);
        long all = source.Describe().ExpertBytes;
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: WithTransfers);
        using VulkanForwardPass pass = Load(source, gpu, 50, rows => rows > 3);
        foreach (int percent in (int[])[25, 100, 0, 75, 50])
        {
            pass.ExpertBudgetBytes = all * percent / 100;
            for (int i = 0; i < 4 || pass.RearrangementMilliseconds is not null; i++)
            {
                if (pass.RearrangementMilliseconds is not null) pass.Rearrange();
                if (i % 7 == 0) expected.Check(TestDevices.AllLogits(pass, expected.Tokens));
            }
            expected.Check(TestDevices.AllLogits(pass, expected.Tokens, 17));
            Assert.Equal(24 * percent / 100, pass.ResidentExperts);
        }
        Assert.True(pass.ExpertActivity.Sum(layer => layer.Guests) > 0);
    }

    /// <summary>The driver refuses to take the piece, and then to put the expert into its slot: who was to go stays.</summary>
    [Fact]
    public void A_failed_piece_leaves_the_old_expert_in_its_slot()
    {
        using TemporaryFile file = new SyntheticModel { Weights = WeightFormat.Q4_0 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => WithTransfers(o) with { ReplaceCommand = WithFaults() });
        foreach (int before in (int[])[0, 1])
        {
            using VulkanForwardPass pass = Load(source, gpu, 50);
            int[] tokens = TestDevices.RandomTokens(30, source.Config.VocabSize);
            float[] expected = TestDevices.AllLogits(pass, tokens);
            while (pass.RearrangementMilliseconds is null) TestDevices.AllLogits(pass, [.. Enumerable.Repeat(15, 60)]);
            (VulkanFaults.SubmissionsBeforeRefusal, VulkanFaults.RefusedSubmissions) = (before, 1);
            while (pass.ExpertFailures == 0) pass.Rearrange();
            Assert.Null(pass.RearrangementMilliseconds);
            Assert.Equal(expected, TestDevices.AllLogits(pass, tokens));
            Assert.Equal(0, pass.ExpertActivity.Sum(layer => layer.Replacements));
        }
    }

    /// <summary>The test's device checks that nothing is left and nothing is used after it was freed.</summary>
    [Fact]
    public void A_model_may_be_disposed_of_while_a_piece_is_copied()
    {
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: WithTransfers);
        using (VulkanForwardPass pass = Load(source, gpu, 50))
        {
            while (pass.RearrangementMilliseconds is null) TestDevices.AllLogits(pass, [.. Enumerable.Repeat(7, 60)]);
            pass.Rearrange();
            Assert.Equal(1, VulkanTransfers.Late);
        }
        Assert.Equal(0, VulkanTransfers.Late);
    }

    /// <summary>The device is lost while a piece is copied: the next one has the experts of this one.</summary>
    [Theory]
    [InlineData(0, int.MaxValue)]
    [InlineData(int.MaxValue, 0)]
    [InlineData(int.MaxValue, 5)]
    public void Texts_go_on_when_the_device_is_lost_with_a_piece_on_its_way(int submissions, int waits)
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        Func<string, nint, nint> replace = WithFaults();
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, new MixtralOptions
        {
            Device = DeviceKind.Vulkan, ContextLength = 128, ChunkTokens = 8, ExpertBudgetBytes = source.Describe().ExpertBytes / 4,
            WithGpuOptions = o => o with { StagesUploads = true, ReplaceCommand = replace },
        });
        var pass = (VulkanForwardPass)model.ForwardPass;
        using Session session = model.StartSession();
        bool isLost = false;
        var options = new GenerationOptions { Temperature = 0, MaxTokens = 100, MinTokens = 100, Adjust = (_, _) =>
        {
            // On the model's thread, between two steps: a reader may come when all pieces are there.
            if (isLost || VulkanTransfers.Late == 0) return;
            (VulkanFaults.SubmissionsLeft, VulkanFaults.WaitsLeft) = (submissions, waits);
            isLost = true;
        } };
        Assert.Equal(100, session.Generate(model.Tokenizer.Encode("Hello, I am the smith of this village, and"), options).Count());
        Assert.True(isLost);
        Assert.Equal((2, 8), (VulkanFaults.Devices, pass.ResidentExperts));
    }

    /// <summary>The software driver's only queue is lent for both: two timelines, under the host's lock.</summary>
    [Fact]
    public void A_host_lends_a_queue_for_copies_and_experts_move_within_the_grants()
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        long all = source.Describe().ExpertBytes;
        using TestGpu host = TestGpu.Open(VulkanForwardPass.Shaders);
        HostDevice one = host.Lend();
        var options = new MixtralOptions
        {
            ContextLength = 512, ChunkTokens = 64, CpuThreads = 2, CpuArithmetic = CpuArithmetic.Float32, ExpertBudgetBytes = all / 4,
            HostDevice = one with { TransferQueue = new DeviceQueue(one.Queue, one.QueueFamily), SubmitLock = submit => submit() },
            WithGpuOptions = o => o with { StagesUploads = true, Replay = host.Replay },
        };
        string expected;
        using (MixtralModel cpu = MixtralModel.Load(ShippedModel.Path,
            options with { HostDevice = null, Device = DeviceKind.Cpu, ExpertBudgetBytes = null }))
            expected = Text(cpu);
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, options with { Pacing = Pacing.PerFrame });
        var pass = (VulkanForwardPass)model.ForwardPass;
        Assert.NotNull(pass.Device.Transfers);
        using var timer = new Timer(_ => model.Tick(new FrameBudget(2, 2)), null, 2, 2);
        ulong loaded = pass.Device.Transfers.Submitted;
        Assert.Equal(expected, Text(model));
        Assert.True(SpinWait.SpinUntil(() => pass.ExpertActivity.Sum(layer => layer.Replacements) > 0, 10_000));
        Assert.Equal(expected, Text(model));
        Assert.True(pass.Device.Transfers.Submitted > loaded);
    }

    private static string Text(MixtralModel model)
    {
        using Session session = model.StartSession();
        return string.Concat(session.Generate(model.Tokenizer.Encode("I am the smith of this village, and"),
            new GenerationOptions { Temperature = 0, MaxTokens = 32 }).Select(token => token.Text));
    }

    private static GpuOptions WithTransfers(GpuOptions options) =>
        options with { StagesUploads = true, ReplaceCommand = VulkanTransfers.Begin() };

    private static Func<string, nint, nint> WithFaults()
    {
        Func<string, nint, nint> transfers = VulkanTransfers.Begin(), faults = VulkanFaults.Begin();
        return (name, address) => faults(name, transfers(name, address));
    }

    private static VulkanForwardPass Load(ModelSource source, TestGpu gpu, int percent, Func<int, bool>? invitesGuest = null) =>
        SplitExpertsTests.Load(source, gpu, SplitExpertsTests.Settings(source, percent, CpuArithmetic.Float32) with { Moves = true,
            InvitesGuest = invitesGuest ?? (_ => false), TakesHits = (_, _) => 0 });
}
