using MixtralVk.Scheduling;

namespace MixtralVk.Tests.Scheduling;

public class SignalTests
{
    private const int Rounds = 50_000;
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60);

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
        Assert.True(own.Join(s_long) && other.Join(s_long), $"stopped at {there.Epoch} and {back.Epoch} of {Rounds}");
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
        await Task.WhenAll(own, other).WaitAsync(s_long);
        Assert.Equal((Rounds, Rounds), (there.Epoch, back.Epoch));
    }
}
