namespace MixtralVk;

/// <summary>Memory a loaded model takes, in bytes, on its device.</summary>
/// <param name="WeightBytes">The weights.</param>
/// <param name="KvCacheBytes">Keys and values of every token that fits.</param>
public readonly record struct MemoryUsage(long WeightBytes, long KvCacheBytes)
{
    /// <summary>
    /// Part of <see cref="WeightBytes"/> that is used in place, mapped from the file: the system can take its pages back at any time.
    /// </summary>
    public long MappedBytes { get; init; }

    /// <summary>Weights and KV cache, without what is mapped.</summary>
    public long TotalBytes => WeightBytes - MappedBytes + KvCacheBytes;
}
