using System.Diagnostics.Metrics;
using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Packing;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tests.Model;

namespace MixtralVk.Tests.Experts;

/// <summary>Experts on the device and on the processor in one step, wherever each of them lies.</summary>
[Collection(VulkanCollection.Name)]
public sealed class SplitExpertsTests
{
    private static readonly int[] s_percents = [0, 25, 50, 75, 100];

    public static TheoryData<string> Shapes =>
        ["f32, odd lengths", "q8_0, 4 experts, top-3, one KV head", "q4_0, 16 experts, top-1", "gate and up of different formats"];

    /// <summary>Every share of residents gives the reference's logits, and in any chunks and slices its own, bit for bit.</summary>
    [Theory, MemberData(nameof(Shapes))]
    public void Logits_are_the_reference_s_at_every_share_of_residents_and_the_same_bits_in_any_chunks(string shape)
    {
        using TemporaryFile file = TestShapes.All[shape].WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        var expected = new ExpectedLogits(file.Path, 45);
        int[] tokens = expected.Tokens;
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        foreach (int percent in s_percents)
        {
            using VulkanForwardPass pass = Load(source, gpu, percent), again = Load(source, gpu, percent);
            float[] logits = TestDevices.AllLogits(pass, tokens);
            expected.Check(logits);
            foreach (int chunk in (int[])[1, 3, 17]) Assert.Equal(logits, TestDevices.AllLogits(again, tokens, chunk));
            again.CutStages(new StageCut(1, 3, 2, 1));
            Assert.Equal(logits, StageByStage(again, tokens));
        }
    }

    [Fact]
    public void Prompts_whose_rows_are_not_wanted_and_batches_give_the_bits_of_sequences_alone()
    {
        using TemporaryFile file = TestShapes.All["q8_0, 4 experts, top-3, one KV head"].WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass pass = Load(source, gpu, 50, CpuArithmetic.Int8);
        int vocab = source.Config.VocabSize;
        int[][] tokens = [TestDevices.RandomTokens(21, vocab, 1), TestDevices.RandomTokens(34, vocab, 2)];
        float[][] alone = [.. tokens.Select(t => TestDevices.AllLogits(pass, t))];
        using KvSequence a = new(pass.Pages), b = new(pass.Pages);
        var batch = new StepBatch(64);
        Step(LogitRows.None, 20, 33);
        Step(LogitRows.Last, 1, 1);
        Assert.Equal(alone[0][(20 * vocab)..], pass.Logits(0).ToArray());
        Assert.Equal(alone[1][(33 * vocab)..], pass.Logits(1).ToArray());

        void Step(LogitRows wanted, int countA, int countB)
        {
            batch.Clear();
            batch.Add(a, tokens[0].AsSpan(a.Length, countA), wanted);
            batch.Add(b, tokens[1].AsSpan(b.Length, countB), wanted);
            pass.Step(batch);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(100)]
    public void Removing_any_barrier_leaves_a_hazard(int percent)
    {
        using TemporaryFile file = new SyntheticModel { Weights = WeightFormat.Q4_0, Experts = 4 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass pass = Load(source, gpu, percent);
        VulkanForwardPassTests.AssertBarriersAreNeeded(pass, 1, 1);
        VulkanForwardPassTests.AssertBarriersAreNeeded(pass, 20, 1);
    }

    [Fact]
    public void A_layer_takes_two_submissions_more_where_experts_are_missing_and_none_where_all_are_there()
    {
        using TemporaryFile file = new SyntheticModel { Experts = 4, Layers = 3 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass none = Load(source, gpu, 0), most = Load(source, gpu, 80), all = Load(source, gpu, 100);
        Assert.Equal(7, none.CostOf(1, 1).Submissions);
        Assert.Equal(5, none.CostOf(20, 0).Submissions);
        Assert.Equal(7, most.CostOf(1, 1).Submissions); // 9 slots of 12
        Assert.Equal(1, all.CostOf(1, 1).Submissions);
        ulong before = gpu.Device.Queue.Submitted;
        TestDevices.AllLogits(all, [1]);
        Assert.Equal(1u, gpu.Device.Queue.Submitted - before);
        before = gpu.Device.Queue.Submitted;
        TestDevices.AllLogits(none, [1]); // nothing for the device between the router and the sum
        Assert.Equal(4u, gpu.Device.Queue.Submitted - before);
    }

    /// <summary>Counters and the meter know every choice, and that both sides worked.</summary>
    [Fact]
    public void Every_choice_is_counted_as_hit_or_miss_with_the_time_of_either_side()
    {
        using TemporaryFile file = new SyntheticModel { Experts = 4, Layers = 3 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass pass = Load(source, gpu, 84); // 10 slots of 12: 4, 3 and 3
        long told = 0;
        using var listener = new MeterListener { InstrumentPublished = (instrument, l) =>
            { if (instrument.Name is "mixtralvk.experts.hits" or "mixtralvk.experts.misses") l.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<long>((_, count, _, _) => told += count);
        listener.Start();
        TestDevices.AllLogits(pass, TestDevices.RandomTokens(40, 320));
        IReadOnlyList<LayerActivity> layers = pass.ExpertActivity;
        Assert.Equal(3, layers.Count);
        Assert.All(layers, layer => Assert.Equal(80, layer.Hits + layer.Misses));
        Assert.Equal(3 * 80, told);
        Assert.Equal((80, 0), (layers[0].Hits, layers[0].Misses));
        Assert.All(layers.Skip(1), layer =>
        {
            Assert.True(layer.Hits > 0 && layer.Misses > 0 && layer.GpuMilliseconds > 0 && layer.CpuMilliseconds > 0, $"{layer}");
            Assert.InRange(layer.OverlapMilliseconds, 0, layer.ShorterMilliseconds);
            Assert.InRange(layer.ShorterMilliseconds, 0, Math.Min(layer.GpuMilliseconds, layer.CpuMilliseconds) * 1.000001);
        });
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        using TemporaryFile file = new SyntheticModel { Weights = WeightFormat.Q4_0 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { Validation = false, Replay = null });
        using VulkanForwardPass fixedPlaces = Load(source, gpu, 50),
            moving = Load(source, gpu, Settings(source, 50, CpuArithmetic.Float32) with { Moves = true, InvitesGuest = _ => false });
        VulkanForwardPassTests.AssertStepsAllocateNothing(fixedPlaces);
        VulkanForwardPassTests.AssertStepsAllocateNothing(moving);
    }

    /// <summary>
    /// A device that has less room than it said serves with the slots it could give; the least it needs for everything else is refused as
    /// ever.
    /// </summary>
    [Fact]
    public void Running_out_of_memory_among_the_slots_leaves_experts_to_the_processor()
    {
        // Experts so large that each has an allocation of its own.
        using TemporaryFile file =
            new SyntheticModel { Dim = 256, Hidden = 11264, Experts = 2, TopK = 1, Vocab = 64, RepeatedBlocks = 4099 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        int refused = 0, split = 0;
        for (bool isWhole = false; !isWhole;)
        {
            using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { FailAllocationsFrom = refused + split });
            try
            {
                using VulkanForwardPass pass = Load(source, gpu, 100);
                Assert.All(TestDevices.AllLogits(pass, [1, 2, 3]), value => Assert.True(float.IsFinite(value)));
                isWhole = pass.CostOf(1, 1).Submissions == 1;
                split++;
            }
            catch (OutOfGpuMemoryException)
            {
                Assert.Equal(0, gpu.Device.LiveBuffers);
                refused++;
            }
        }
        Assert.Equal(5, split); // with none to three of the four experts, and with all
    }

    /// <summary>The shipped model answers alike wherever its experts lie: a GGUF, and a packed file that is mapped.</summary>
    [Fact]
    public void Answers_are_those_of_the_processor_at_every_share_of_residents()
    {
        using TemporaryFile packed = new(".mvk");
        long expertBytes;
        using (ModelSource source = ModelSource.Open(ShippedModel.Path))
        {
            ModelPacker.Pack(source, packed.Path);
            expertBytes = source.Describe().ExpertBytes;
        }
        var cpu = new MixtralOptions { Device = DeviceKind.Cpu };
        string expected = Answer(ShippedModel.Path, cpu, out _);
        foreach (int percent in s_percents)
        {
            MixtralOptions options = cpu with { Device = DeviceKind.Vulkan, ExpertBudgetBytes = expertBytes * percent / 100,
                Map = percent == 50 ? MapMode.Always : MapMode.Auto };
            Assert.Equal(expected, Answer(percent == 50 ? packed.Path : ShippedModel.Path, options, out string device));
            Assert.Contains($"{32 * percent / 100} of 32 experts there", device, StringComparison.Ordinal);
        }
    }

    /// <summary>A budget that holds everything but the experts is enough; one that does not is refused, as ever.</summary>
    [Fact]
    public void A_model_beyond_the_memory_budget_runs_with_the_experts_that_find_room()
    {
        // 8 experts of 33 MiB.
        using TemporaryFile file =
            new SyntheticModel { Dim = 256, Hidden = 11264, Experts = 4, TopK = 1, Vocab = 300, RepeatedBlocks = 4099 }.WriteTemporary();
        var options = new MixtralOptions { Device = DeviceKind.Vulkan, ContextLength = 64, ChunkTokens = 8, MemoryBudgetBytes = 480 << 20 };
        long most;
        using (MixtralModel whole = MixtralModel.Load(file.Path, options))
        {
            Assert.Null(((VulkanForwardPass)whole.ForwardPass).ResidentExperts);
            most = whole.Memory.TotalBytes; // and nothing for intermediate results
        }
        foreach (long budget in (long[])[220 << 20, most])
        {
            using MixtralModel part = MixtralModel.Load(file.Path, options with { MemoryBudgetBytes = budget });
            Assert.InRange(((VulkanForwardPass)part.ForwardPass).ResidentExperts!.Value, 1, 7);
            Assert.InRange(part.Memory.TotalBytes, 1, budget);
            Assert.Contains(" of 8 experts there", part.Device.Description, StringComparison.Ordinal);
        }
        Assert.Throws<MemoryBudgetException>(() => MixtralModel.Load(file.Path, options with { MemoryBudgetBytes = 1 << 20 }));
        Assert.Throws<MemoryBudgetException>(() =>
            MixtralModel.Load(file.Path, options with { Device = DeviceKind.Cpu, MemoryBudgetBytes = 220 << 20 }));
    }

    private static string Answer(string path, MixtralOptions options, out string device)
    {
        using MixtralModel model = MixtralModel.Load(path, options);
        device = model.Device.Description;
        using Chat chat = model.StartChat("You are Mira, a cheerful baker from Oakvale. You sell bread for 3 silver.",
            new GenerationOptions { Temperature = 0, MaxTokens = 32 });
        return string.Concat(chat.Ask("Where do you live?")) + string.Concat(chat.Ask("How much is the bread?"));
    }

    private static float[] StageByStage(VulkanForwardPass pass, int[] tokens)
    {
        using var sequence = new KvSequence(pass.Pages);
        var batch = new StepBatch(tokens.Length);
        batch.Add(sequence, tokens, LogitRows.All);
        pass.Begin(batch);
        for (int stages = 1; pass.NextStage < pass.Stages.Count; stages = stages % 4 + 1) pass.Run(stages);
        return [.. Enumerable.Range(0, tokens.Length).SelectMany(row => pass.Logits(row).ToArray())];
    }

    internal static VulkanForwardPass Load(ModelSource source, TestGpu gpu, int percent,
        CpuArithmetic arithmetic = CpuArithmetic.Float32) =>
        Load(source, gpu, Settings(source, percent, arithmetic));

    internal static VulkanForwardPass Load(ModelSource source, TestGpu gpu, ExpertSettings settings) =>
        VulkanForwardPass.Load(source, gpu.Device, null, 64, 64, KvFormat.F32, 8, 0, settings, null, null, default);

    internal static ExpertSettings Settings(ModelSource source, int percent, CpuArithmetic arithmetic) => new()
    {
        BudgetBytes = source.Describe().ExpertBytes * percent / 100, Cpu = new CpuOptions { Threads = 2, Arithmetic = arithmetic },
    };
}
