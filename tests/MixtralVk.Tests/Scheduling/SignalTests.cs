using MixtralVk.Scheduling;

namespace MixtralVk.Tests.Scheduling;

public class SignalTests
{
    private const int Rounds = 50_000;
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60); // without a step forward

    /// <summary>Two threads wake each other in turn: one wake-up lost, and both wait for ever.</summary>
    [Fact]
    public void ThreadsThatWakeEachOtherLoseNothing()
    {
        var there = new Signal();
        var back = new Signal();
        var other = new Thread(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                there.Wait(round);
                back.Raise();
            }
        }) { IsBackground = true };
        other.Start();
        var own = new Thread(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                there.Raise();
                back.Wait(round);
            }
        }) { IsBackground = true };
        own.Start();
        for (int seen = -1; !own.Join(s_long) || !other.Join(s_long); seen = there.Epoch)
            Assert.True(there.Epoch > seen, $"stopped at {there.Epoch} and {back.Epoch} of {Rounds}");
    }

    [Fact]
    public async Task MethodsThatWakeEachOtherLoseNothing()
    {
        var there = new Signal();
        var back = new Signal();
        Task other = Task.Run(async () =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                await there.WaitAsync(round);
                back.Raise();
            }
        });
        Task own = Task.Run(async () =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                there.Raise();
                await back.WaitAsync(round);
            }
        });
        Task both = Task.WhenAll(own, other);
        for (int seen = -1; await Task.WhenAny(both, Task.Delay(s_long)) != both; seen = there.Epoch)
            Assert.True(there.Epoch > seen, $"stopped at {there.Epoch} and {back.Epoch} of {Rounds}");
        await both;
        Assert.Equal((Rounds, Rounds), (there.Epoch, back.Epoch));
    }
}
