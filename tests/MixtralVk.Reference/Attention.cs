namespace MixtralVk.Reference;

/// <summary>
/// Causal grouped-query attention: query head h uses key/value head h / (heads / kvHeads); a token at position p sees keys 0 to p;
/// output = softmax(q . k / sqrt(headDim)) . v.
/// </summary>
public static class Attention
{
    /// <param name="queries">(tokens, heads, headDim), after RoPE</param>
    /// <param name="keys">(length, kvHeads, headDim), after RoPE</param>
    /// <param name="values">(length, kvHeads, headDim)</param>
    /// <param name="positions">(tokens): position of each query</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="kvHeads">Key/value heads.</param>
    /// <param name="headDim">Length of a head.</param>
    /// <returns>(tokens, heads, headDim)</returns>
    public static float[] Run(ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values,
        ReadOnlySpan<int> positions,
        int heads, int kvHeads, int headDim)
    {
        var output = new float[queries.Length];
        for (int t = 0; t < positions.Length; t++)
            for (int head = 0; head < heads; head++)
            {
                int queryAt = (t * heads + head) * headDim, kvHead = head / (heads / kvHeads), length = positions[t] + 1;
                var scores = new double[length];
                for (int p = 0; p < length; p++)
                    scores[p] = MatMul.Dot(queries.Slice(queryAt, headDim),
                        keys.Slice((p * kvHeads + kvHead) * headDim, headDim)) / Math.Sqrt(headDim);
                double[] weights = Softmax(scores);
                for (int d = 0; d < headDim; d++)
                {
                    double sum = 0;
                    for (int p = 0; p < length; p++) sum += weights[p] * values[(p * kvHeads + kvHead) * headDim + d];
                    output[queryAt + d] = (float)sum;
                }
            }
        return output;
    }

    internal static double[] Softmax(double[] scores)
    {
        double max = scores.Max();
        double[] exps = [.. scores.Select(s => Math.Exp(s - max))];
        double sum = exps.Sum();
        return [.. exps.Select(e => e / sum)];
    }
}
