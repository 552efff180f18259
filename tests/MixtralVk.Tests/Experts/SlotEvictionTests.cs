using MixtralVk.Experts;
using MixtralVk.Kernels;
using MixtralVk.Loading;
using MixtralVk.Model.Vulkan;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Experts;

/// <summary>Slots that a driver moves out of the device's memory without a word.</summary>
[Collection(VulkanCollection.Name)]
public sealed class SlotEvictionTests
{
    [Fact]
    public void Layers_that_are_slow_in_every_step_are_found_and_quick_ones_left()
    {
        var eviction = new SlotEviction(3);
        Steps(eviction, 40, layer => 1 + layer, layers: 3);
        Assert.Empty(eviction.Tick(hasRoom: true));
        Steps(eviction, 15, layer => layer == 1 ? 20 : 1 + layer, layers: 3);
        Assert.Empty(eviction.Tick(hasRoom: true)); // too few steps to tell
        Steps(eviction, 17, layer => layer == 1 ? 20 : 1 + layer, layers: 3);
        Assert.Empty(eviction.Tick(hasRoom: false)); // it would be moved out again
        Assert.Equal([1], eviction.Tick(hasRoom: true));
        Assert.Empty(eviction.Tick(hasRoom: true));
    }

    /// <summary>A game's frames lengthen most steps, and some not: nothing was moved out.</summary>
    [Fact]
    public void One_quick_step_of_many_shows_that_all_is_there()
    {
        var eviction = new SlotEviction(1);
        Steps(eviction, 16, _ => 1);
        for (int step = 0; step < 200; step++)
        {
            eviction.Learn(0, TokenClass.One, (step % 10 == 0 ? 2 : 50) * 2, 2);
            eviction.Learn(0, TokenClass.One, 0, 0); // no hits
            Assert.Empty(eviction.Tick(hasRoom: true));
        }
    }

    /// <summary>Sixteen conversations after one, on a device of little arithmetic: an expert takes longer where it is.</summary>
    [Fact]
    public void Steps_of_many_tokens_are_not_taken_for_slow_ones_of_few()
    {
        var eviction = new SlotEviction(1);
        Steps(eviction, 16, _ => 1);
        Steps(eviction, 32, _ => 6, tokens: TokenClass.Batch);
        Assert.Empty(eviction.Tick(hasRoom: true));
        Steps(eviction, 16, _ => 30, tokens: TokenClass.Batch);
        Assert.Equal([0], eviction.Tick(hasRoom: true));
    }

    /// <summary>
    /// Others need the memory: what does not help is tried after 16, 32, … seconds, and after a quick time at once again.
    /// </summary>
    [Fact]
    public void What_does_not_help_is_tried_ever_more_rarely()
    {
        var eviction = new SlotEviction(1);
        Steps(eviction, 16, _ => 1);
        Assert.Equal([1, 17, 49, 113, 241, 497, 1009, 2033, 3057], Found(3500, _ => 10));
        // Helps once, but not for long: not at once again.
        Assert.Equal([581, 1605], Found(2000, second => second is > 582 and < 600 ? 1 : 10));
        Assert.Empty(Found(2000, _ => 1));
        Assert.Equal([1, 17], Found(20, _ => 10));

        List<int> Found(int seconds, Func<int, double> milliseconds)
        {
            List<int> found = [];
            for (int second = 1; second <= seconds; second++)
            {
                Steps(eviction, 16, _ => milliseconds(second));
                if (eviction.Tick(hasRoom: true).Count > 0) found.Add(second);
            }
            return found;
        }
    }

    /// <summary>
    /// The device gets slow by its own clock: all slots are given back, a few at a time, and come anew with their experts, after which it
    /// is quick. The logits are the reference's all the while.
    /// </summary>
    [Fact]
    public void Slots_that_were_moved_out_come_anew_and_the_logits_stay()
    {
        using TemporaryFile file = new SyntheticModel { Weights = WeightFormat.Q4_0, Layers = 3 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        var expected = new ExpectedLogits(file.Path, 30);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { ReplaceCommand = VulkanEviction.Begin() });
        using VulkanForwardPass pass = SplitExpertsTests.Load(source, gpu, SplitExpertsTests.Settings(source, 50, CpuArithmetic.Float32)
            with { Moves = true, SpareMemory = () => 1L << 30, TakesHits = (_, _) => 0, InvitesGuest = _ => false });
        Assert.Equal(12, Least());
        Assert.Equal([0, 0, 0], Renewals());
        VulkanEviction.MoveOut();
        Assert.Equal(0, Least());
        Assert.False(VulkanEviction.IsOut);
        Assert.Equal(12, Least());
        Assert.Equal([1, 1, 1], Renewals());

        // Some steps, and more than a second later what is to be done after them; the least experts on the device meanwhile.
        int Least()
        {
            for (int i = 0; i < 4; i++) expected.Check(TestDevices.AllLogits(pass, expected.Tokens, 1));
            Thread.Sleep(1020);
            int least = 12;
            for (int i = 0; pass.RearrangementMilliseconds is not null; i++)
            {
                pass.Rearrange();
                least = Math.Min(least, pass.ResidentExperts!.Value);
                if (i % 4 == 0) expected.Check(TestDevices.AllLogits(pass, expected.Tokens));
            }
            Assert.Equal(12, pass.ResidentExperts);
            return least;
        }

        IEnumerable<long> Renewals() => pass.ExpertActivity.Select(layer => layer.Renewals);
    }

    private static void Steps(SlotEviction eviction, int count, Func<int, double> milliseconds, int layers = 1,
        TokenClass tokens = TokenClass.One)
    {
        for (int step = 0; step < count; step++)
            for (int layer = 0; layer < layers; layer++) eviction.Learn(layer, tokens, 2 * milliseconds(layer), 2);
    }
}
