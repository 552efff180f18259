using MixtralVk;
using MixtralVk.Cpu;
using MixtralVk.Experts;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Testing;

namespace ExpertSimulator.Tests;

/// <summary>The simulator beside arithmetic, and beside the engine that it simulates.</summary>
public sealed class SimulationTests
{
    private static readonly Costs s_costs = new(GpuExpert: 1, CpuExpert: 10, Upload: 100, Dense: 3, HandOver: 0.5);

    /// <summary>One layer of four experts: tokens choose 0 and 1, 0 and 3, 2 and 3.</summary>
    private static readonly RoutingTrace s_trace = new(1, 4, 2, [0, 1, 0, 3, 2, 3]);

    [Fact]
    public void A_token_takes_what_the_slower_side_takes()
    {
        Result half = new Simulation(s_trace, 2, Policy.Fixed, s_costs).Run(),
            all = new Simulation(s_trace, 4, Policy.Fixed, s_costs).Run(), none = new Simulation(s_trace, 0, Policy.Fixed, s_costs).Run();
        Assert.Equal((3, (2 + 10 + 20) / 3.0 + 3.5), (half.Hits, half.SecondsPerToken));
        Assert.Equal((1, 5), (all.HitRate, all.SecondsPerToken)); // no hand-over
        Assert.Equal((0, 23.5), (none.HitRate, none.SecondsPerToken));
    }

    [Fact]
    public void Uploading_every_miss_takes_the_place_of_the_one_used_least_recently()
    {
        Result result = new Simulation(s_trace, 2, Policy.UploadMisses, s_costs).Run(); // 0 1; 3 for 1; 2 for 0
        Assert.Equal((4, 2L), (result.Hits, result.Uploads));
        Assert.Equal((2 + 102 + 102) / 3.0 + 3.5, result.SecondsPerToken, 1e-9);
    }

    [Fact]
    public void The_most_used_of_the_whole_text_hit_most_of_all_that_stay()
    {
        Result result = new Simulation(s_trace, 2, Policy.MostUsed, s_costs).Run(); // 0 and 3
        Assert.Equal(4, result.Hits);
        Assert.Equal(0.25, new Simulation(RoutingTrace.Even(2000), 64, Policy.MostUsed, s_costs).Run().HitRate, 0.03);
    }

    /// <summary>
    /// Rows of the experts: 2, 1, 1, 2. The processor has 3 rows, 30; as guests the last takes 5 + 2, and then the third 5 + 1, as the
    /// processor would take 7 longer than the device.
    /// </summary>
    [Fact]
    public void A_prompt_s_guests_take_the_processor_s_time_away_as_far_as_it_takes_longer()
    {
        var simulation = new PromptSimulation(s_trace, slots: 2, chunk: 3,
            new PromptCosts(GpuRow: 1, CpuRow: 10, DenseRow: 2, s_costs with { Upload = 5 }));
        Assert.Equal(((30 + 6.5) / 3, 0), simulation.Run(invites: false));
        Assert.Equal(((7 + 6 + 3 + 6.5) / 3, 2), simulation.Run(invites: true));
    }

    /// <summary>
    /// On what the router of the shipped model chose: the hits of the engine, where experts stay and where they move as soon as they are
    /// to.
    /// </summary>
    [Theory]
    [InlineData(Policy.Fixed, 25)]
    [InlineData(Policy.FollowsUse, 25)]
    [InlineData(Policy.FollowsUse, 50)]
    public void Hits_are_those_of_the_engine(object policy, int percent)
    {
        using ModelSource source = ModelSource.Open(Path.Combine(Repository.Root, "samples", "models", "hearth-8x1m-q4_0.gguf"));
        ModelConfig config = source.Config;
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { Validation = false });
        using VulkanForwardPass pass = VulkanForwardPass.Load(source, gpu.Device, null, 256, 8, KvFormat.F32, 8, 0,
            new ExpertSettings { BudgetBytes = source.Describe().ExpertBytes * percent / 100, Moves = (Policy)policy == Policy.FollowsUse,
                Cpu = new CpuOptions { Threads = 1, Arithmetic = CpuArithmetic.Float32 } }, null, null, default);
        using CpuForwardPass router = CpuForwardPass.Load(source, 256, 8, KvFormat.F32, 8,
            new CpuOptions { Threads = 1, Arithmetic = CpuArithmetic.Float32 }, null, default);
        int[] tokens = TestDevices.RandomTokens(200, config.VocabSize);
        RoutingTrace trace = Trace(router, tokens);
        using var sequence = new KvSequence(pass.Pages);
        var batch = new StepBatch(1);
        foreach (int token in tokens)
        {
            batch.Clear();
            batch.Add(sequence, [token], LogitRows.All);
            pass.Step(batch);
            while (pass.RearrangementMilliseconds is not null) pass.Rearrange();
        }
        Result simulated = new Simulation(trace, config.LayerCount * config.ExpertCount * percent / 100, (Policy)policy,
            s_costs with { Upload = 0 }).Run();
        long hits = pass.ExpertActivity.Sum(layer => layer.Hits);
        // Near ties of the router may fall differently on the two paths.
        Assert.InRange(simulated.Hits, hits - 4, hits + 4);
        Assert.InRange(simulated.Uploads, pass.ExpertActivity.Sum(layer => layer.Replacements) - 1,
            pass.ExpertActivity.Sum(layer => layer.Replacements) + 1);
    }

    private static RoutingTrace Trace(CpuForwardPass router, int[] tokens)
    {
        ModelConfig config = router.Config;
        var choices = new List<int>();
        using var sequence = new KvSequence(router.Pages);
        var batch = new StepBatch(1);
        foreach (int token in tokens)
        {
            batch.Clear();
            batch.Add(sequence, [token], LogitRows.All);
            router.Begin(batch);
            while (router.NextStage < router.Stages.Count)
            {
                bool isRouter = router.Stages[router.NextStage].Kind == StageKind.Router;
                router.Run(1);
                if (isRouter) choices.AddRange(router.ChosenExperts);
            }
        }
        return new RoutingTrace(config.LayerCount, config.ExpertCount, config.ExpertsPerToken, [.. choices]);
    }
}
