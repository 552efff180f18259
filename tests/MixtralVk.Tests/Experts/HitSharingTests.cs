using MixtralVk.Experts;
using MixtralVk.Loading;
using MixtralVk.Model.Vulkan;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Experts;

/// <summary>Experts that the device has and the processor computes all the same, as it is faster.</summary>
[Collection(VulkanCollection.Name)]
public sealed class HitSharingTests
{
    [Theory]
    [InlineData(1, 10, 2, 0, 0)]    // a usual card: all hits are its own
    [InlineData(1, 10, 2, 6, 0)]
    [InlineData(10, 10, 2, 0, 1)]   // as fast as the processor: one each
    [InlineData(10, 10, 4, 0, 2)]
    [InlineData(10, 10, 1, 1, 0)]
    [InlineData(30, 10, 2, 0, 2)]   // slower: 20 on the processor instead of 30 and 10
    [InlineData(30, 10, 2, 1, 1)]   // 30 and 20
    [InlineData(14, 4, 2, 0, 2)]    // lavapipe
    [InlineData(11, 10, 1, 0, 0)]   // not worth it
    [InlineData(10, 10, 0, 2, 0)]
    public void A_layer_takes_as_long_as_the_slower_side(double gpu, double cpu, int hits, int misses, int forProcessor)
    {
        var sharing = new HitSharing();
        Assert.Equal(0, sharing.ForProcessor(hits, misses));
        sharing.Learn(2 * gpu, 2, 0, 0);
        Assert.Equal(0, sharing.ForProcessor(hits, misses)); // the processor is not known yet
        sharing.Learn(0, 0, 3 * cpu, 3);
        Assert.Equal(forProcessor, sharing.ForProcessor(hits, misses));
    }

    /// <summary>
    /// Weights that a driver moved out, or a game that leaves no time: the device gets slow, is left alone, tried now and then, and works
    /// again when it is as quick as before.
    /// </summary>
    [Fact]
    public void A_device_that_gets_slow_is_left_alone_and_tried_again()
    {
        const int hits = 2;
        const double cpu = 10;
        var sharing = new HitSharing();
        sharing.Learn(0, 0, cpu, 1);
        Assert.All(Layers(100, gpu: 1), taken => Assert.Equal(0, taken));
        int[] slow = Layers(200, gpu: 500);
        Assert.InRange(Array.IndexOf(slow, hits), 1, 3);
        Assert.Equal(3, slow.Skip(5).Count(taken => taken < hits));
        int[] quick = Layers(64 * 20, gpu: 1);
        Assert.Equal(0, quick[^1]);

        int[] Layers(int count, double gpu)
        {
            var taken = new int[count];
            foreach (ref int t in taken.AsSpan())
            {
                t = sharing.ForProcessor(hits, misses: 0);
                sharing.Learn((hits - t) * gpu, hits - t, t * cpu, t);
            }
            return taken;
        }
    }

    /// <summary>
    /// Whoever computes an expert, the logits are the reference's; and the prompts between such steps use the slots as ever.
    /// </summary>
    [Theory]
    [InlineData(WeightFormat.F32)]
    [InlineData(WeightFormat.Q4_0)]
    public void Logits_are_the_reference_s_whoever_computes_hits(WeightFormat format)
    {
        using TemporaryFile file = new SyntheticModel { Weights = format, Layers = 2, Hidden = 544, Dim = 160 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        var expected = new ExpectedLogits(file.Path, 45);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        var random = new Random(3);
        foreach (Func<int, int, int> takes in (Func<int, int, int>[])[(hits, _) => hits, (hits, misses) => misses == 0 ? hits : 0,
            (hits, _) => random.Next(hits + 1)])
        {
            using VulkanForwardPass pass = SplitExpertsTests.Load(source, gpu, SplitExpertsTests.Settings(source, 50,
                CpuArithmetic.Float32) with { Moves = true, TakesHits = takes, InvitesGuest = _ => false });
            foreach (int chunk in (int[])[1, 45, 16, 4, 20]) expected.Check(TestDevices.AllLogits(pass, expected.Tokens, chunk));
            IReadOnlyList<LayerActivity> layers = pass.ExpertActivity;
            Assert.All(layers, layer => Assert.InRange(layer.TakenHits, 1, layer.Hits - 1));
        }
    }
}
