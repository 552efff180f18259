namespace MixtralVk;

/// <summary>How the CPU path computes.</summary>
public sealed record CpuOptions
{
    /// <summary>Threads in all, the one that calls among them; 0 takes one per processor.</summary>
    public int Threads { get; init; }

    /// <summary>What quantised weights are multiplied with.</summary>
    public CpuArithmetic Arithmetic { get; init; }

    /// <summary>
    /// Priority of the threads the engine starts; the calling thread is left as it is. On Linux it becomes a nice value, and a process without
    /// the right to raise one keeps what it has.
    /// </summary>
    public ThreadPriority Priority { get; init; } = ThreadPriority.Normal;

    /// <summary>
    /// Processors that the threads the engine starts may use, bit n for processor n; 0 sets no bound. Linux and Windows (the first 64
    /// processors); a mask the system refuses, and any other system, leave the threads free.
    /// </summary>
    public ulong Affinity { get; init; }
}
