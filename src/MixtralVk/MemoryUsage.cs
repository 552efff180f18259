using MixtralVk.Model;

namespace MixtralVk;

/// <summary>Memory a loaded model takes, in bytes, on its device.</summary>
/// <param name="WeightBytes">The weights.</param>
/// <param name="KvCacheBytes">Keys and values of every token that fits.</param>
public readonly record struct MemoryUsage(long WeightBytes, long KvCacheBytes)
{
    /// <summary>Part of <see cref="WeightBytes"/> that is used in place, mapped from the file: the system can take its pages back at any time.</summary>
    public long MappedBytes { get; init; }

    /// <summary>Weights and KV cache, without what is mapped.</summary>
    public long TotalBytes => WeightBytes - MappedBytes + KvCacheBytes;

    internal static long KvBytes(ModelConfig config, KvFormat format, int pageCount)
    {
        long bytesPerNumber = format switch { KvFormat.F16 => 2, KvFormat.F32 => 4 };
        return pageCount * (long)KvPages.PageTokens * config.LayerCount * 2 * config.KvDim * bytesPerNumber;
    }
}
