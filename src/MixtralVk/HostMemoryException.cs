namespace MixtralVk;

/// <summary>The machine's main memory does not hold what was asked for.</summary>
public sealed class HostMemoryException : MixtralException
{
    /// <summary>
    /// Makes the exception for an allocation of <paramref name="neededBytes"/> where <paramref name="availableBytes"/> can be had at most;
    /// <paramref name="advice"/> says what helps.
    /// </summary>
    public HostMemoryException(long neededBytes, long availableBytes, Exception? inner = null, string? advice = null)
        : base($"{Mebibytes(neededBytes)} MiB of main memory are needed, but at most {Mebibytes(availableBytes)} MiB can be had{(advice is null ? "" : $"; {advice}")}.", inner)
    {
        NeededBytes = neededBytes;
        AvailableBytes = availableBytes;
    }

    /// <summary>Bytes needed.</summary>
    public long NeededBytes { get; }

    /// <summary>Bytes the process can have at most.</summary>
    public long AvailableBytes { get; }

    private static long Mebibytes(long bytes) => (bytes >> 20) + ((bytes & ((1 << 20) - 1)) > 0 ? 1 : 0);
}
