namespace MixtralVk.Reference;

/// <summary>
/// The experts of each token: logits = router . x, the k largest (a tie goes to the lower index), weights = softmax over the chosen.
/// A NaN logit never beats another one, so the ids are k different experts whatever the logits are.
/// </summary>
public static class RouterTopK
{
    /// <param name="input">(tokens, dim)</param>
    /// <param name="router">(experts, dim)</param>
    /// <param name="experts">Number of experts.</param>
    /// <param name="topK">Experts per token.</param>
    /// <returns>(tokens, topK) ids, largest logit first, and their weights.</returns>
    public static (int[] Ids, float[] Weights) Run(ReadOnlySpan<float> input, ReadOnlySpan<float> router, int experts, int topK)
    {
        float[] logits = MatMul.Run(router, input, router.Length / experts);
        int tokens = logits.Length / experts;
        var (ids, weights) = (new int[tokens * topK], new float[tokens * topK]);
        for (int t = 0; t < tokens; t++)
        {
            var (chosen, chosenWeights) = Pick(logits.AsSpan(t * experts, experts), topK);
            chosen.CopyTo(ids, t * topK);
            chosenWeights.CopyTo(weights, t * topK);
        }
        return (ids, weights);
    }

    /// <summary>The choice of one token from its logits.</summary>
    public static (int[] Ids, float[] Weights) Pick(ReadOnlySpan<float> logits, int topK)
    {
        var ids = new int[topK];
        var scores = new double[topK];
        var taken = new bool[logits.Length];
        for (int k = 0; k < topK; k++)
        {
            int best = -1;
            for (int e = 0; e < logits.Length; e++)
                if (!taken[e] && (best < 0 || logits[e] > logits[best] || float.IsNaN(logits[best]) && !float.IsNaN(logits[e]))) best = e;
            (ids[k], scores[k], taken[best]) = (best, logits[best], true);
        }
        return (ids, [.. Attention.Softmax(scores).Select(w => (float)w)]);
    }
}
