namespace MixtralVk.Server.Tests;

public sealed class SessionPoolTests
{
    [Fact]
    public async Task No_seat_is_lost_where_sessions_change_hands_at_once()
    {
        ServerOptions options = RunningServer.Options();
        using var pool = new SessionPool(MixtralModel.Load(options.ModelFile!, new MixtralOptions { Device = options.Device }), seats: 4, queueLimit: 64);

        await Parallel.ForAsync(0, 2_000_000, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (_, cancellationToken) =>
        {
            using SessionPool.SessionLease? lease = await pool.RentAsync([1], null, null, cancellationToken);
            Assert.NotNull(lease);
        });

        Assert.Equal(0, pool.Active);
    }
}
