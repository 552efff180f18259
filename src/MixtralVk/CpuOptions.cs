namespace MixtralVk;

/// <summary>How the CPU path computes.</summary>
public sealed record CpuOptions
{
    /// <summary>Threads in all, the one that calls among them; 0 takes one per processor.</summary>
    public int Threads { get; init; }

    /// <summary>What quantised weights are multiplied with.</summary>
    public CpuArithmetic Arithmetic { get; init; }

    /// <summary>Priority and processors of the threads the engine starts; the calling thread is left as it is.</summary>
    public ThreadPlacement Placement { get; init; } = new();
}
