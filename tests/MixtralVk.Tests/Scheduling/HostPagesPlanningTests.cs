using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Scheduling;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Scheduling;

/// <summary>Who takes part in a step where keys and values wait in the host's memory.</summary>
[Collection(VulkanCollection.Name)]
public sealed class HostPagesPlanningTests
{
    [Fact]
    public void Pages_come_back_for_nobody_at_the_cost_of_who_comes_first()
    {
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using VulkanForwardPass forward = VulkanForwardPass.Load(source, gpu.Device, null, contextLength: 128, maxBatchTokens: 128,
            KvFormat.F16, pageCount: 4, hostPageCount: 8, null, null, null, CancellationToken.None);
        var planner = new StepPlanner(new StageCosts(forward));
        var batch = new StepBatch(128);
        int[] firstText = TestDevices.RandomTokens(101, 320, seed: 1), lastText = TestDevices.RandomTokens(101, 320, seed: 2);
        Sequence last = new(forward) { Turn = 2 }, first = new(forward) { Turn = 1 };
        Go(last, lastText[..100]);
        Complete(last);
        last.End();
        Go(first, firstText[..100]);
        Complete(first); // in all four pages: three of the other's are on the host
        Go(last, lastText);
        Go(first, firstText);

        batch.Clear();
        List<Member> members = [];
        Assert.Null(planner.Plan([first, last], batch, members, 1));
        Assert.Equal([(first, 1)], members.Select(member => (member.Sequence, member.Tokens)));

        void Go(Sequence sequence, int[] text)
        {
            sequence.SetText(text);
            sequence.Begin(null, isPrompt: true, now: 1);
        }

        void Complete(Sequence sequence)
        {
            while (sequence.Pending > 0)
            {
                batch.Clear();
                Assert.Null(planner.Plan([sequence], batch, [], 1));
                batch.Commit();
            }
            batch.Clear();
        }
    }
}
