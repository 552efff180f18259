using System.Numerics;
using System.Runtime.CompilerServices;
using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>Consecutive rows of one sequence whose queries share the conversion of keys and values.</summary>
internal struct QueryTile
{
    /// <summary>Most rows of a tile.</summary>
    public const int MaxRows = 8;

    /// <summary>The first row.</summary>
    public int FirstRow;
    /// <summary>Rows, at positions that ascend.</summary>
    public int Rows;
    /// <summary>Where the sequence's pages begin in the page table.</summary>
    public int PageTable;
}

/// <summary>
/// Causal grouped-query attention over the paged cache: output = softmax(q . k / sqrt(headDim)) . v. Keys are cut at absolute multiples
/// of 256; each cut gives (max, sum, weighted V), and cuts merge in ascending order. So neither chunking nor batching changes a bit.
/// </summary>
internal static unsafe class Attention
{
    /// <summary>Keys of a cut.</summary>
    public const int CutKeys = 256;

    private const int PageTokens = KvPages.PageTokens;

    /// <summary>Floats of scratch memory one worker needs.</summary>
    public static long ScratchFloats(int heads, int kvHeads, int headDim) =>
        CutKeys * (headDim + Stride(headDim) + 1) + Stride(headDim)
        + (long)QueryTile.MaxRows * (heads / kvHeads) * (Stride(headDim) + 2) + 64;

    /// <param name="threads">Work is split by query tiles and key/value heads.</param>
    /// <param name="queries">(rows, heads, headDim), after RoPE</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="tiles">(tileCount)</param>
    /// <param name="tileCount">Number of query tiles.</param>
    /// <param name="positions">(rows)</param>
    /// <param name="pageTable">Pages of each sequence in order of position.</param>
    /// <param name="cache">Keys and values, those of the rows among them.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="scratch">(workers, <paramref name="scratchFloats"/>)</param>
    /// <param name="scratchFloats">At least <see cref="ScratchFloats"/>.</param>
    /// <param name="output">(rows, heads, headDim)</param>
    public static void Run(WorkerThreads threads, float* queries, int heads, QueryTile* tiles, int tileCount,
        int* positions, int* pageTable,
        in KvCache cache, int layer, float* scratch, long scratchFloats, float* output) =>
        threads.Run(new Work(queries, heads, tiles, positions, pageTable, cache, layer, scratch, scratchFloats, output),
            tileCount * cache.KvHeads);

    // Rows of V and of sums are padded to whole registers of any width.
    private static int Stride(int headDim) => (headDim + 15) / 16 * 16;

    private readonly struct Work(float* queries, int heads, QueryTile* tiles, int* positions, int* pageTable, KvCache cache, int layer,
        float* scratch, long scratchFloats, float* output) : IWork
    {
        public void Run(int item, int worker)
        {
            QueryTile tile = tiles[item / cache.KvHeads];
            int kvHead = item % cache.KvHeads, group = heads / cache.KvHeads, headDim = cache.HeadDim, stride = Stride(headDim);
            int states = tile.Rows * group, length = positions[tile.FirstRow + tile.Rows - 1] + 1;

            float* keys = scratch + worker * scratchFloats;   // (pages, headDim, 32)
            float* values = keys + CutKeys * headDim;         // (256, stride)
            float* scores = values + CutKeys * stride;        // (256)
            float* cutSum = scores + CutKeys;                 // (stride)
            float* sums = cutSum + stride;                    // (states, stride): weighted V so far
            float* maxima = sums + (long)states * stride;     // (states)
            float* weights = maxima + states;                 // (states): sum of exponentials so far
            new Span<float>(values, CutKeys * stride).Clear();
            new Span<float>(sums, states * stride).Clear();
            new Span<float>(maxima, states).Fill(float.NegativeInfinity);
            new Span<float>(weights, states).Clear();

            for (int cut = 0; cut < length; cut += CutKeys)
            {
                LoadCut(tile, kvHead, cut, Math.Min(CutKeys, length - cut), keys, values);
                for (int state = 0; state < states; state++)
                {
                    int row = tile.FirstRow + state / group, visible = Math.Min(CutKeys, positions[row] + 1 - cut);
                    if (visible <= 0) continue;
                    float* query = queries + ((long)row * heads + kvHead * group + state % group) * headDim;
                    Scores(query, keys, visible, scores);
                    float max = Exponentials(scores, visible, out float sum);
                    WeightedValues(scores, values, visible, stride, cutSum);
                    Merge(max, sum, cutSum, ref maxima[state], ref weights[state], sums + (long)state * stride, stride);
                }
            }
            for (int state = 0; state < states; state++)
            {
                float* to = output + ((long)(tile.FirstRow + state / group) * heads + kvHead * group + state % group) * headDim;
                for (int d = 0; d < headDim; d++) to[d] = sums[(long)state * stride + d] / weights[state];
            }
        }

        /// <summary>Copies or converts the cut's pages.</summary>
        private void LoadCut(in QueryTile tile, int kvHead, int cut, int count, float* keys, float* values)
        {
            int headDim = cache.HeadDim, stride = Stride(headDim);
            for (int first = 0; first < count; first += PageTokens)
            {
                int page = pageTable[tile.PageTable + (cut + first) / PageTokens], tokens = Math.Min(PageTokens, count - first);
                byte* fromKeys = cache.Keys(layer, page, kvHead), fromValues = cache.Values(layer, page, kvHead);
                float* toKeys = keys + first * headDim, toValues = values + first * stride;
                if (cache.Format == KvFormat.F16)
                {
                    KeyPairs((int*)fromKeys, toKeys, headDim);
                    for (int t = 0; t < tokens; t++) Lanes.FromHalves((ushort*)fromValues + t * headDim, toValues + t * stride, headDim);
                }
                else if (cache.Format == KvFormat.Q8_0)
                {
                    QuantizedKv.Keys((int*)fromKeys, toKeys, headDim);
                    for (int t = 0; t < tokens; t++) QuantizedKv.Value(fromValues, t, toValues + t * stride, headDim);
                }
                else
                {
                    new ReadOnlySpan<float>(fromKeys, PageTokens * headDim).CopyTo(new Span<float>(toKeys, PageTokens * headDim));
                    for (int t = 0; t < tokens; t++)
                        new ReadOnlySpan<float>((float*)fromValues + t * headDim, headDim)
                            .CopyTo(new Span<float>(toValues + t * stride, headDim));
                }
            }
        }

        private static void KeyPairs(int* words, float* keys, int headDim)
        {
            for (int d = 0; d < headDim; d += 2, words += PageTokens)
                for (int lane = 0; lane < PageTokens; lane += Vector<int>.Count)
                {
                    Vector<int> word = Vector.Load(words + lane);
                    Lanes.FromHalf(word & new Vector<int>(0xFFFF)).Store(keys + d * PageTokens + lane);
                    Lanes.FromHalf(word >>> 16).Store(keys + (d + 1) * PageTokens + lane);
                }
        }

        /// <summary>scores[key] = q . k / sqrt(headDim); a lane owns a key. Keys past the visible ones get minus infinity.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Scores(float* query, float* keys, int visible, float* scores)
        {
            int headDim = cache.HeadDim, lanes = Vector<float>.Count;
            var scale = new Vector<float>(1 / MathF.Sqrt(headDim));
            for (int key = 0; key < visible; key += 2 * lanes)
            {
                float* k = keys + key / PageTokens * PageTokens * headDim + key % PageTokens;
                Vector<float> a = Vector<float>.Zero, b = a;
                for (int d = 0; d < headDim; d++, k += PageTokens)
                {
                    var q = new Vector<float>(query[d]);
                    a = Lanes.MultiplyAdd(q, Vector.Load(k), a);
                    b = Lanes.MultiplyAdd(q, Vector.Load(k + lanes), b);
                }
                (a * scale).Store(scores + key);
                (b * scale).Store(scores + key + lanes);
            }
            new Span<float>(scores + visible, CutKeys - visible).Fill(float.NegativeInfinity);
        }

        /// <summary>Replaces scores by exp(score - max); gives the maximum and the sum, lane by lane and then across.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float Exponentials(float* scores, int visible, out float sum)
        {
            int lanes = Vector<float>.Count;
            float max = scores[0];
            for (int key = 1; key < visible; key++) max = MathF.Max(max, scores[key]);
            Vector<float> shift = new(max), total = Vector<float>.Zero;
            for (int key = 0; key < visible; key += lanes)
            {
                Vector<float> e = Vector.Exp(Vector.Load(scores + key) - shift);
                e.Store(scores + key);
                total += e;
            }
            sum = Vector.Sum(total);
            return max;
        }

        /// <summary>sums[d] = sum over keys, ascending, of weight * V[key][d].</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void WeightedValues(float* keyWeights, float* values, int visible, int stride, float* cutSum)
        {
            int lanes = Vector<float>.Count, d = 0;
            for (; d <= stride - 4 * lanes; d += 4 * lanes)
            {
                Vector<float> a = Vector<float>.Zero, b = a, c = a, e = a;
                for (int key = 0; key < visible; key++)
                {
                    float* v = values + key * stride + d;
                    var w = new Vector<float>(keyWeights[key]);
                    a = Lanes.MultiplyAdd(w, Vector.Load(v), a);
                    b = Lanes.MultiplyAdd(w, Vector.Load(v + lanes), b);
                    c = Lanes.MultiplyAdd(w, Vector.Load(v + 2 * lanes), c);
                    e = Lanes.MultiplyAdd(w, Vector.Load(v + 3 * lanes), e);
                }
                a.Store(cutSum + d);
                b.Store(cutSum + d + lanes);
                c.Store(cutSum + d + 2 * lanes);
                e.Store(cutSum + d + 3 * lanes);
            }
            for (; d < stride; d += lanes)
            {
                var a = Vector<float>.Zero;
                for (int key = 0; key < visible; key++)
                    a = Lanes.MultiplyAdd(new Vector<float>(keyWeights[key]), Vector.Load(values + key * stride + d), a);
                a.Store(cutSum + d);
            }
        }

        /// <summary>Joins a cut to what the earlier ones gave.</summary>
        private static void Merge(float cutMax, float cutWeight, float* cutSum, ref float max, ref float weight, float* sums, int stride)
        {
            float newMax = MathF.Max(max, cutMax), keepOld = MathF.Exp(max - newMax), keepNew = MathF.Exp(cutMax - newMax);
            max = newMax;
            weight = weight * keepOld + cutWeight * keepNew;
            var (old, fresh) = (new Vector<float>(keepOld), new Vector<float>(keepNew));
            for (int d = 0; d < stride; d += Vector<float>.Count)
                (Vector.Load(sums + d) * old + Vector.Load(cutSum + d) * fresh).Store(sums + d);
        }
    }
}
