namespace MixtralVk.Server.Tests;

public sealed class SessionPoolTests
{
    [Fact]
    public async Task No_seat_is_lost_where_sessions_change_hands_at_once()
    {
        ServerOptions options = RunningServer.Options();
        using var pool = new SessionPool(MixtralModel.Load(options.ModelFile!, new MixtralOptions { Device = options.Device }),
            seats: 4, queueLimit: 64);

        await Parallel.ForAsync(0, 2_000_000, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (_, cancellationToken) =>
        {
            using SessionPool.SessionLease? lease = await pool.RentAsync([1], null, null, cancellationToken);
            Assert.NotNull(lease);
        });

        Assert.Equal(0, pool.Active);
    }

    [Fact]
    public async Task Who_stops_waits_for_answers_and_no_longer_than_the_host_has_patience()
    {
        ServerOptions options = RunningServer.Options();
        var pool = new SessionPool(MixtralModel.Load(options.ModelFile!, new MixtralOptions { Device = options.Device }),
            seats: 2, queueLimit: 1);
        SessionPool.SessionLease answer = (await pool.RentAsync([1], null, null, default))!,
            hung = (await pool.RentAsync([1], null, null, default))!;

        using var impatience = new CancellationTokenSource();
        Task drained = pool.DrainAsync(impatience.Token);
        await Task.Delay(100);
        answer.Dispose();
        await Task.Delay(100);
        Assert.False(drained.IsCompleted);
        await impatience.CancelAsync();
        await drained.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(1, pool.Active);

        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => hung.Session.Prefill([1]));
        hung.Dispose();
    }
}
