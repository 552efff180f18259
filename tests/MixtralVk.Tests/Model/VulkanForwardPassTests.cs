using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tuning;

namespace MixtralVk.Tests.Model;

/// <summary>What only the Vulkan path has: barriers, binding limits, device memory.</summary>
[Collection(VulkanCollection.Name)]
public class VulkanForwardPassTests
{
    private static readonly SyntheticModel _model = new() { Weights = WeightFormat.Q4_0, Experts = 4 };

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 0)]
    [InlineData(20, 20)]
    [InlineData(20, 1)]
    public void Removing_any_barrier_leaves_a_hazard(int tokens, int outputs)
    {
        using TemporaryFile file = _model.WriteTemporary();
        using var pass = (VulkanForwardPass)TestDevices.Open("vulkan", file.Path, context: 300, maxBatchTokens: 32);
        AssertBarriersAreNeeded(pass, tokens, outputs);
    }

    internal static void AssertBarriersAreNeeded(VulkanForwardPass pass, int tokens, int outputs)
    {
        RecordedStage[] stages = [.. pass.RecordingsFor(tokens, outputs).SelectMany(r => r.Stages)];
        Command[] step = [.. stages.SelectMany(s => s.Commands)], steps = Twice(step);
        Assert.Null(HazardReplay.Find(steps));
        foreach (RecordedStage stage in stages)
        {
            // A stage begins with a barrier so that it is safe after any other: the one before it in a step, or itself.
            Command begin = stage.Commands[0];
            Assert.True(IsNeeded(begin, steps) || IsNeeded(begin, Twice([.. stage.Commands])),
                $"The first barrier of {stage.Name} orders nothing.");
            foreach (Command barrier in stage.Commands.Skip(1).Where(c => c is BarrierCommand { To: not AccessKind.HostRead }))
                Assert.True(IsNeeded(barrier, stage.Commands), $"A barrier of {stage.Name} orders nothing.");
        }
    }

    private static bool IsNeeded(Command barrier, IEnumerable<Command> commands) =>
        HazardReplay.Find(commands.Where(c => !ReferenceEquals(c, barrier))) is not null;

    /// <summary>Commands submitted twice: what ran concurrently in one submission does not with the next.</summary>
    private static Command[] Twice(Command[] commands) =>
        [.. commands.Select(c => c is BarrierCommand ? c : c with { Group = -c.Group }), .. commands];

    [Theory]
    [InlineData(WeightFormat.F32)]
    [InlineData(WeightFormat.Q4_0)]
    public void Matrices_cut_into_ranges_by_the_specification_s_least_limits_give_the_same_bits(WeightFormat up)
    {
        // The embedding, the output matrix and the gate exceed 96 KiB; one tile of them does not.
        DeviceLimits least = DeviceLimits.SpecificationMinimum with { MaxStorageBufferRange = 96 << 10 };
        using TemporaryFile file =
            (_model with { Vocab = 2000, Dim = 128, Hidden = 320, Weights = WeightFormat.F32, UpFormat = up }).WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        int[] tokens = TestDevices.RandomTokens(20, 2000);
        float[] whole = Logits(null), cut = Logits(least);
        Assert.Equal(whole, cut);

        float[] Logits(DeviceLimits? limits)
        {
            using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { LimitTo = limits });
            using var pass = VulkanForwardPass.Load(source, gpu.Device, 64, 10, KvFormat.F16, 2);
            return TestDevices.AllLogits(pass, tokens, 10);
        }
    }

    /// <summary>Each table of variants has one order per matrix, so chunks change no bit; the orders of two tables differ.</summary>
    [Theory]
    [InlineData(AdapterType.Discrete)]
    [InlineData(AdapterType.Integrated)]
    [InlineData(AdapterType.Software)]
    public void The_variants_shipped_for_every_kind_of_device_give_the_same_bits_in_chunks_of_any_size(AdapterType device)
    {
        using TemporaryFile file = _model.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        int[] tokens = TestDevices.RandomTokens(70, 320);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        float[] first = Logits(50);
        foreach (int chunk in (int[])[1, 3, 16]) Assert.Equal(first, Logits(chunk));

        float[] Logits(int chunk)
        {
            using var pass = VulkanForwardPass.Load(source, gpu.Device, 128, 50, KvFormat.F16, 4,
                _ => ProductChoices.Shipped(gpu.Device.Description with { Type = device }));
            return TestDevices.AllLogits(pass, tokens, chunk);
        }
    }

    public static TheoryData<string> Splittable => ["q4_0, 16 experts, top-1", "gate and up of different formats", "dense, tied output"];

    /// <summary>
    /// Parts over workgroups and a second pass where tokens are few, one workgroup for all parts in a chunk: the same bits everywhere.
    /// </summary>
    [Theory]
    [MemberData(nameof(Splittable))]
    public void Products_split_over_workgroups_give_the_bits_of_those_that_are_not(string shape)
    {
        using TemporaryFile file = TestShapes.All[shape].WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        int[] tokens = TestDevices.RandomTokens(70, source.Config.VocabSize);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass split = Load(new(1, 1, ColumnSplits: 2)),
            whole = Load(new ProductVariant(1, 1).InOrder(new SummationOrder(2, 3)));
        float[] expected = TestDevices.AllLogits(whole, tokens, 50);
        foreach (int chunk in (int[])[1, 3, 16, 50]) Assert.Equal(expected, TestDevices.AllLogits(split, tokens, chunk));
        // Q, K and V, the output of attention, gate and up, down, and the head: each has a second pass.
        Assert.True(split.CostOf(1, 1).Dispatches >= whole.CostOf(1, 1).Dispatches + 4 * source.Config.LayerCount);

        VulkanForwardPass Load(ProductVariant variant) => VulkanForwardPass.Load(source, gpu.Device, 128, 50, KvFormat.F16, 4, weights =>
            TunedProduct.Of(weights, source.Config)
                .Aggregate(ProductChoices.Shipped(gpu.Device.Description), (choices, product) => choices.With(product.Shape,
                TokenClasses.All.ToDictionary(c => c, c => variant.PartsPerWorkgroup > 1
                    ? variant : variant.WithParts(3, c) with { TokensPerPass = Math.Min(4, c.MaxTokens()) }))));
    }

    /// <summary>
    /// Activations of 8 bits where the format has them: the same bits in chunks of any size, and logits near those of floats. Software
    /// drivers are not offered these variants, but run them.
    /// </summary>
    [Theory]
    [InlineData("q4_k, q5_k and q6_k")]
    [InlineData("gate and up of different formats")]
    [InlineData("dense, tied output")]
    public void Packed_dot_products_give_the_same_bits_in_chunks_of_any_size(string shape)
    {
        using TemporaryFile file = TestShapes.All[shape].WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        int[] tokens = TestDevices.RandomTokens(40, source.Config.VocabSize);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass packed = Load(Arithmetic.PackedInt8), floats = Load(Arithmetic.Float);
        float[] expected = TestDevices.AllLogits(packed, tokens, 40), exact = TestDevices.AllLogits(floats, tokens, 40);
        foreach (int chunk in (int[])[1, 3, 16]) Assert.Equal(expected, TestDevices.AllLogits(packed, tokens, chunk));
        Assert.NotEqual(exact, expected);
        double error = Math.Sqrt(exact.Zip(expected, (a, b) => (double)(a - b) * (a - b)).Sum() / exact.Sum(a => (double)a * a));
        Assert.InRange(error, 0, 0.1);

        VulkanForwardPass Load(Arithmetic arithmetic) => VulkanForwardPass.Load(source, gpu.Device, 64, 40, KvFormat.F16, 2, weights =>
            TunedProduct.Of(weights, source.Config)
                .Aggregate(ProductChoices.Shipped(gpu.Device.Description), (choices, product) => choices.With(product.Shape,
                TokenClasses.All.ToDictionary(c => c, c => new ProductVariant(2, Math.Min(4, c.MaxTokens()), ColumnSplits: 2,
                    Arithmetic: QuantizeRows.Serves(product.Shape.Format) ? arithmetic : Arithmetic.Float)))));
    }

    [Fact]
    public void Running_out_of_memory_at_any_allocation_is_a_typed_error_and_leaks_nothing()
    {
        using TemporaryFile file = _model.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        for (int failing = 0; ; failing++)
        {
            using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { FailAllocationsFrom = failing });
            try
            {
                using var pass = VulkanForwardPass.Load(source, gpu.Device, 64, 8, KvFormat.F16, 2);
                Assert.True(failing > 0, "No allocation was refused.");
                return;
            }
            catch (OutOfGpuMemoryException)
            {
                Assert.Equal(0, gpu.Device.LiveBuffers);
                Assert.Equal(0, gpu.Device.UsedMemory);
            }
        }
    }

    [Fact]
    public void A_model_above_the_budget_is_refused_before_its_weights_are_read()
    {
        using TemporaryFile file = _model.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { MemoryBudget = 256 << 10 });
        var progress = new List<LoadProgress>();
        var error = Assert.Throws<OutOfGpuMemoryException>(() =>
            VulkanForwardPass.Load(source, gpu.Device, 1024, 64, KvFormat.F16, 32, progress: new Reports(progress.Add)));
        Assert.Contains("budget", error.Message, StringComparison.Ordinal);
        Assert.Empty(progress);
    }

    [Fact]
    public void Loading_can_be_cancelled_and_leaves_nothing_behind()
    {
        using TemporaryFile file = _model.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using var cancellation = new CancellationTokenSource();
        var progress = new Reports(_ => cancellation.Cancel());
        Assert.ThrowsAny<OperationCanceledException>(() =>
            VulkanForwardPass.Load(source, gpu.Device, 64, 8, KvFormat.F16, 2, progress: progress, cancellation: cancellation.Token));
        Assert.Equal(0, gpu.Device.LiveBuffers);
    }

    [Fact]
    public void Hostile_weights_everywhere_end_with_a_typed_error_at_every_batch_size()
    {
        SyntheticModel hostile = _model with { Damage = _model.TensorNames.ToDictionary(name => name, _ => float.NaN) };
        using TemporaryFile file = hostile.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using var pass = VulkanForwardPass.Load(source, gpu.Device, 64, 16, KvFormat.F16, 2);
        using var sequence = new KvSequence(pass.Pages);
        foreach (int rows in (int[])[1, 3, 16])
        {
            var batch = new StepBatch(16);
            batch.Add(sequence, TestDevices.RandomTokens(rows, 320), LogitRows.All);
            Assert.Equal(-1, Assert.Throws<NonFiniteException>(() => pass.Step(batch)).Layer);
        }
    }

    /// <summary>
    /// A token of the model's two layers: 7 dispatches of attention, 2 of the router, 4 experts twice and their sum; embedding, norm, head
    /// and check. Barriers: each stage begins with one, each dispatch that needs the one before adds one, and one lets the host read.
    /// </summary>
    [Fact]
    public void A_decoded_token_is_one_submission_of_no_more_than_it_needs()
    {
        // Heads so long that queries and keys end with whole tiles: one product makes both and the values.
        using TemporaryFile file = (_model with { HeadDim = 32 }).WriteTemporary();
        using var pass = (VulkanForwardPass)TestDevices.Open("vulkan", file.Path, context: 300, maxBatchTokens: 32);
        int layers = pass.Config.LayerCount;
        Assert.Equal(new StepCost(
            Dispatches: 1 + layers * (7 + 2 + 4 + 4 + 1) + 3,
            IndirectDispatches: layers * (1 + 4 + 4),
            Barriers: 1 + layers * (7 + 2 + 1 + 2) + 5,
            Copies: 1 + 2,
            Submissions: 1), pass.CostOf(1, 1));
        Assert.Equal(1, pass.CostOf(20, 1).Submissions);
        Assert.Equal(1, pass.CostOf(20, 0).Submissions);
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        using TemporaryFile file = _model.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { Validation = false, Replay = null });
        using var pass = VulkanForwardPass.Load(source, gpu.Device, 64, 8, KvFormat.F16, 2);
        AssertStepsAllocateNothing(pass);
    }

    internal static void AssertStepsAllocateNothing(VulkanForwardPass pass)
    {
        using var sequence = new KvSequence(pass.Pages);
        var batch = new StepBatch(8);
        Decode();
        Assert.Equal(0, Allocations.Of(Decode));

        void Decode()
        {
            sequence.Truncate(0);
            for (int token = 0; token < 10; token++)
            {
                batch.Clear();
                batch.Add(sequence, [token], LogitRows.Last);
                pass.Step(batch);
            }
        }
    }

    private sealed class Reports(Action<LoadProgress> onReport) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            lock (onReport) onReport(value);
        }

    }
}
