namespace MixtralVk.Reference;

/// <summary>output[t] = residual[t] + sum over the token's slots of weight * expert output.</summary>
public static class CombineExperts
{
    /// <param name="residual">(tokens, dim)</param>
    /// <param name="expertOutputs">(tokens, topK, dim)</param>
    /// <param name="weights">(tokens, topK)</param>
    /// <param name="topK">Experts per token.</param>
    /// <returns>(tokens, dim)</returns>
    public static float[] Run(ReadOnlySpan<float> residual, ReadOnlySpan<float> expertOutputs, ReadOnlySpan<float> weights, int topK)
    {
        int tokens = weights.Length / topK, dim = residual.Length / tokens;
        var output = new float[residual.Length];
        for (int t = 0; t < tokens; t++)
            for (int c = 0; c < dim; c++)
            {
                double sum = residual[t * dim + c];
                for (int k = 0; k < topK; k++) sum += (double)weights[t * topK + k] * expertOutputs[(t * topK + k) * dim + c];
                output[t * dim + c] = (float)sum;
            }
        return output;
    }
}
