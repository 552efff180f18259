using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model.Vulkan;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tests.Loading;

namespace MixtralVk.Tests.Experts;

/// <summary>A model gives the device's memory back, and takes it again, while it runs.</summary>
[Collection(VulkanCollection.Name)]
public sealed class ExpertBudgetTests
{
    /// <summary>
    /// At every budget on the way, also in the middle of a change, the logits are the reference's; memory is that of the slots.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Experts_leave_and_come_a_few_at_a_time_and_the_logits_stay(bool moves)
    {
        using TemporaryFile file = new SyntheticModel { Weights = WeightFormat.Q4_0, Layers = 3 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        var expected = new ExpectedLogits(file.Path, 30);
        int[] tokens = expected.Tokens;
        long all = source.Describe().ExpertBytes;
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass pass =
            SplitExpertsTests.Load(source, gpu, SplitExpertsTests.Settings(source, 50, CpuArithmetic.Float32) with { Moves = moves });
        int buffers = gpu.Device.LiveBuffers;
        foreach (int percent in (int[])[25, 100, 0, 75, 50])
        {
            pass.ExpertBudgetBytes = all * percent / 100;
            int changes = 0;
            for (; pass.RearrangementMilliseconds is not null; changes++)
            {
                int before = pass.ResidentExperts!.Value;
                pass.Rearrange();
                Assert.InRange(pass.ResidentExperts.Value, before - 8, before + 1);
                if (changes % 5 == 0) Check();
            }
            Check();
            Assert.Equal(24 * percent / 100, pass.ResidentExperts!.Value);
            if (percent == 100) Assert.Equal(1, pass.CostOf(1, 1).Submissions);
            // Where one on its way lies: as long as there are slots, and made when it is needed where experts stay.
            int landing = gpu.Device.LiveBuffers - (buffers + 24 * percent / 100 - 12);
            Assert.InRange(landing, moves && percent == 0 ? -1 : 0, moves ? percent == 0 ? -1 : 0 : 1);
            if (!moves) Assert.Equal(percent == 75 ? [0, 1, 2, 3, 4, 5] : Enumerable.Range(0, percent * 8 / 100),
                Enumerable.Range(0, 8).Where(expert => pass.IsOnDevice(new ExpertId(1, expert))));
        }

        void Check() => expected.Check(TestDevices.AllLogits(pass, tokens));
    }

    /// <summary>Which experts go depends on their use, and how much memory their slots take on their formats.</summary>
    [Fact]
    public void Experts_of_two_formats_keep_to_the_budget_whichever_are_used()
    {
        using TemporaryFile file = FileAgesTests.ExpertsOfTwoFormats();
        using ModelSource source = ModelSource.Open(file.Path);
        long all = source.Describe().ExpertBytes;
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        var use = new ExpertUse(source.Config.LayerCount, source.Config.ExpertCount);
        use.Chosen(0, [1, 1, 1], 3);
        use.Chosen(1, [2, 2, 2], 3); // both in floats, the others in 4 bits
        using VulkanForwardPass pass = SplitExpertsTests.Load(source, gpu,
            SplitExpertsTests.Settings(source, 100, CpuArithmetic.Float32) with { Moves = true, Use = use });
        for (int percent = 95; percent >= 0; percent -= 5)
        {
            pass.ExpertBudgetBytes = all * percent / 100;
            while (pass.RearrangementMilliseconds is not null) pass.Rearrange();
            Assert.InRange(all - pass.ExpertBytesElsewhere, 0, pass.ExpertBudgetBytes!.Value);
        }
    }

    /// <summary>Room for one on its way, but none for a slot, which has a memory block of its own: then nobody is on the way.</summary>
    [Fact]
    public void Where_the_first_slot_finds_no_memory_nothing_is_taken()
    {
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { FailAllocationsFrom = 1 });
        using var experts = new DeviceExperts(gpu.Device, source, []) { AreShared = true, AreMoving = true };
        int buffers = gpu.Device.LiveBuffers;
        Assert.Throws<OutOfGpuMemoryException>(() => experts.AddSlot(0));
        Assert.Equal((0, 0, buffers), (experts.Slots.CountOf(0), experts.SlotBytes, gpu.Device.LiveBuffers));
    }

    /// <summary>What the driver says is short is given back, and taken again when it is there.</summary>
    [Fact]
    public void Memory_that_others_need_is_given_back_and_taken_again()
    {
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        long expert = source.Describe().ExpertBytes / 16, spare = 0;
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass pass = SplitExpertsTests.Load(source, gpu,
            SplitExpertsTests.Settings(source, 75, CpuArithmetic.Float32) with
            {
                Moves = true, SpareMemory = () => Interlocked.Exchange(ref spare, 0), // told once, however long it takes
            });
        Assert.Equal(12, After(1L << 30));
        Assert.Equal(9, After(-3 * expert));
        Assert.Equal(9, After(expert));         // not enough to be worth it
        Assert.Equal(12, After(1L << 30));      // and no more than the budget

        int After(long said)
        {
            spare = said;
            Thread.Sleep(1020);
            Settle();
            return pass.ResidentExperts!.Value;
        }

        void Settle()
        {
            while (pass.RearrangementMilliseconds is not null) pass.Rearrange();
        }
    }

    /// <summary>
    /// The host changes the budget from its own thread, whatever the model does: texts go on, and an idle model gives its memory back, too.
    /// In floats, so that it does not matter who computes an expert.
    /// </summary>
    [Fact]
    public void The_budget_changes_under_generation_and_while_nothing_is_computed()
    {
        long all, weights;
        using (ModelSource source = ModelSource.Open(ShippedModel.Path))
            (weights, all) = (source.Describe().WeightBytes, source.Describe().ExpertBytes);
        using MixtralModel cpu =
            MixtralModel.Load(ShippedModel.Path, new MixtralOptions { Device = DeviceKind.Cpu, CpuArithmetic = CpuArithmetic.Float32 });
        string expected = Text(cpu, _ => { });
        Assert.Throws<InvalidOperationException>(() => cpu.ExpertBudgetBytes = 0);
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path,
            new MixtralOptions { Device = DeviceKind.Vulkan, ExpertBudgetBytes = all / 2, CpuArithmetic = CpuArithmetic.Float32 });
        var pass = (VulkanForwardPass)model.ForwardPass;
        long[] budgets = [all / 4, all, 0, all / 2, all];
        Assert.Equal(expected, Text(model, token =>
        {
            if (token % 6 == 0) model.ExpertBudgetBytes = budgets[token / 6 % budgets.Length];
        }));
        foreach (int experts in (int[])[32, 0, 8])
        {
            model.ExpertBudgetBytes = all * experts / 32;
            Assert.Equal(all * experts / 32, model.ExpertBudgetBytes);
            Assert.True(SpinWait.SpinUntil(() => pass.ResidentExperts == experts, 20_000),
                $"{pass.ResidentExperts} experts instead of {experts}");
            Assert.EndsWith(experts < 32 ? $"; {experts} of 32 experts there, the CPU computes the others" : "; 32 of 32 experts there",
                model.Device.Description);
            Assert.Equal(weights - all + all * experts / 32, model.Memory.WeightBytes);
        }
        Assert.Equal(expected, Text(model, _ => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.ExpertBudgetBytes = -1);
    }

    [Fact]
    public void Experts_that_are_all_there_for_good_have_no_budget()
    {
        using MixtralModel model =
            MixtralModel.Load(ShippedModel.Path, new MixtralOptions { Device = DeviceKind.Vulkan, ContextLength = 64 });
        Assert.Throws<InvalidOperationException>(() => model.ExpertBudgetBytes = 0);
    }

    private static string Text(MixtralModel model, Action<int> onToken)
    {
        using Session session = model.StartSession();
        int tokens = 0;
        string text = "";
        foreach (GeneratedToken token in session.Generate(model.Tokenizer.Encode("I am the smith of this village, and"),
            new GenerationOptions { Temperature = 0, MaxTokens = 32 }))
        {
            text += token.Text;
            onToken(tokens++);
        }
        return text;
    }
}
