using MixtralVk.Model;

namespace MixtralVk;

/// <summary>Decides how many pages the KV cache has.</summary>
internal static class CacheSize
{
    /// <summary>Beyond so many whole contexts more room is hardly used.</summary>
    private const int MostContexts = 64;

    /// <summary>
    /// What loading needs beside weights and intermediate results: pieces of weights on their way, partial results of attention, tables.
    /// </summary>
    private const long SmallBytes = 64 << 20;

    /// <summary>Pages that were asked for, at least one context.</summary>
    public static int Least(MixtralOptions options, int contextLength) =>
        KvPages.PagesFor(Math.Max(options.KvCacheTokens ?? 0, contextLength));

    /// <summary>
    /// Pages to take: with a budget, and where nothing else is asked for, what the weights leave of it and of <paramref name="memory"/>.
    /// </summary>
    /// <param name="options">The options.</param>
    /// <param name="config">The model's sizes.</param>
    /// <param name="usage">Memory taken with the least number of pages.</param>
    /// <param name="contextLength">Longest conversation in tokens.</param>
    /// <param name="memory">Bytes of the memory that the cache is to lie in; it is not filled.</param>
    public static int Pages(MixtralOptions options, ModelConfig config, MemoryUsage usage, int contextLength, long memory)
    {
        int least = Least(options, contextLength);
        if (options.KvCacheTokens is not null || options.MemoryBudgetBytes is not long budget) return least;
        long left = Math.Min(budget, memory / 10 * 8) - usage.TotalBytes - WorkingBytes(config,
            Math.Min(options.ChunkTokens, contextLength));
        return least + (int)Math.Clamp(left / options.KvFormat.PageBytes(config), 0, least * (long)(MostContexts - 1));
    }

    /// <summary>About what a step's intermediate results take, and what loading needs beside the weights.</summary>
    public static long WorkingBytes(ModelConfig config, int chunkTokens)
    {
        long perToken = 5L * config.Dim + 3L * config.QueryDim + 2L * config.KvDim + 2L * config.VocabSize
            + Math.Max(1, config.ExpertsPerToken) * (2L * config.HiddenDim + config.Dim);
        return SmallBytes + chunkTokens * perToken * sizeof(float);
    }
}
