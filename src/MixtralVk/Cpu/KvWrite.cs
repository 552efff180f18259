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
                if (cache.Format == KvFormat.F16) WriteHalves(k, v, headDim, slot, (Half*)toKeys, (Half*)toValues);
                else if (cache.Format == KvFormat.F32) WriteFloats(k, v, headDim, slot, (float*)toKeys, (float*)toValues);
                else
                {
                    WriteQuants(k, headDim, slot, toKeys, 4 * KvPages.PageTokens, 4);
                    WriteQuants(v, headDim, slot, toValues, 4, 4 * KvLayout.Quads(headDim));
                }
            }
        }

        private static void WriteHalves(float* k, float* v, int headDim, int slot, Half* keys, Half* values)
        {
            for (int d = 0; d < headDim; d++)
            {
                keys[(d / 2 * KvPages.PageTokens + slot) * 2 + d % 2] = (Half)k[d];
                values[slot * headDim + d] = (Half)v[d];
            }
        }

        private static void WriteFloats(float* k, float* v, int headDim, int slot, float* keys, float* values)
        {
            for (int d = 0; d < headDim; d++)
            {
                keys[d * KvPages.PageTokens + slot] = k[d];
                values[slot * headDim + d] = v[d];
            }
        }

        /// <summary>
        /// A head's vector in 8 bits, a word of four dimensions each <paramref name="quadStride"/> bytes; then its scales.
        /// </summary>
        private static void WriteQuants(float* vector, int headDim, int slot, byte* to, int quadStride, int slotStride)
        {
            byte* scales = to + 4 * KvPages.PageTokens * KvLayout.Quads(headDim) + 4 * slot;
            for (int first = 0; first < headDim; first += KvLayout.ScaleDims)
            {
                float most = 0;
                int end = Math.Min(headDim, first + KvLayout.ScaleDims);
                for (int d = first; d < end; d++) most = MathF.Max(most, MathF.Abs(vector[d]));
                var half = (Half)(most * (1f / 127));
                float scale = (float)half;
                for (int d = first; d < end; d++)
                {
                    float quant = scale == 0 ? 0 : Math.Clamp(MathF.Round(vector[d] / scale), -127, 127);
                    *(sbyte*)(to + d / 4 * quadStride + slot * slotStride + d % 4) = (sbyte)quant;
                }
                int block = first / KvLayout.ScaleDims;
                var word = (Half*)(scales + block / 2 * 4 * KvPages.PageTokens);
                word[block % 2] = half;
                if (block % 2 == 0) word[1] = default; // where there is no other, a save is not to hold what was there
            }
        }
    }
}
