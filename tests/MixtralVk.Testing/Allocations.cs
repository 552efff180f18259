namespace MixtralVk.Testing;

/// <summary>What code allocates.</summary>
public static class Allocations
{
    private const int Rounds = 20;

    /// <summary>
    /// Bytes that a round of <paramref name="action"/> allocates on this thread: the least of at most 20, of which the first that allocates
    /// nothing is the last. When another thread's garbage collection comes between, the runtime counts the unused rest of this thread's
    /// allocation context as well (dotnet/runtime issue 63487); what the action allocates is in every round.
    /// </summary>
    public static long Of(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        long least = long.MaxValue;
        for (int round = 0; round < Rounds && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }
}
