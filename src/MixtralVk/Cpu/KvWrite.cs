using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>Stores the keys and values of a step's tokens in their pages, rounded to the cache's format.</summary>
internal static unsafe class KvWrite
{
    /// <param name="threads">Work is split by tokens.</param>
    /// <param name="keys">(tokens, kvHeads, headDim), after RoPE</param>
    /// <param name="values">(tokens, kvHeads, headDim)</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="cache">The cache.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="pages">(tokens): page of each token</param>
    /// <param name="positions">(tokens): position of each token; position % 32 is its slot</param>
    /// <param name="status">Gets <paramref name="layer"/> when a key or value is not finite.</param>
    public static void Run(WorkerThreads threads, float* keys, float* values, int tokens, in KvCache cache, int layer, int* pages,
        int* positions, int* status) =>
        threads.Run(new Work(keys, values, cache, layer, pages, positions, status), tokens);

    private readonly struct Work(float* keys, float* values, KvCache cache, int layer, int* pages, int* positions, int* status) : IWork
    {
        public void Run(int token, int worker)
        {
            int headDim = cache.HeadDim, slot = positions[token] % KvPages.PageTokens, row = cache.KvHeads * headDim;
            float* k = keys + (long)token * row, v = values + (long)token * row;
            // An infinite key can vanish behind a softmax; it is reported here.
            if (!Lanes.AllFinite(k, row) || !Lanes.AllFinite(v, row)) StepStatus.Report(status, layer);
            for (int head = 0; head < cache.KvHeads; head++, k += headDim, v += headDim)
            {
                byte* toKeys = cache.Keys(layer, pages[token], head), toValues = cache.Values(layer, pages[token], head);
                for (int d = 0; d < headDim; d++)
                    if (cache.Format == KvFormat.F16)
                    {
                        ((Half*)toKeys)[(d / 2 * KvPages.PageTokens + slot) * 2 + d % 2] = (Half)k[d];
                        ((Half*)toValues)[slot * headDim + d] = (Half)v[d];
                    }
                    else
                    {
                        ((float*)toKeys)[d * KvPages.PageTokens + slot] = k[d];
                        ((float*)toValues)[slot * headDim + d] = v[d];
                    }
            }
        }
    }
}
