namespace MixtralVk.Cpu;

/// <summary>
/// The experts of each token: logits = router . x, the k largest (a tie goes to the lower index), weights = softmax over the chosen.
/// The ids are k different experts whatever the logits are; a NaN never beats a number.
/// </summary>
internal static unsafe class RouterTopK
{
    /// <param name="threads">Work is split by tokens.</param>
    /// <param name="input">(tokens, dim)</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="router">(experts, dim)</param>
    /// <param name="experts">Number of experts.</param>
    /// <param name="dim">Length of a row.</param>
    /// <param name="topK">Experts per token, at most <paramref name="experts"/>.</param>
    /// <param name="logits">(tokens, experts).</param>
    /// <param name="ids">(tokens, topK), largest logit first</param>
    /// <param name="weights">(tokens, topK)</param>
    /// <param name="status">Gets <paramref name="layer"/> when a logit is not finite.</param>
    /// <param name="layer">The layer.</param>
    public static void Run(WorkerThreads threads, float* input, int tokens, float* router, int experts, int dim, int topK,
        float* logits, int* ids,
        float* weights, int* status, int layer) =>
        threads.Run(new Work(input, router, experts, dim, topK, logits, ids, weights, status, layer), tokens);

    private readonly struct Work(float* input, float* router, int experts, int dim, int topK, float* logits, int* ids, float* weights,
        int* status, int layer) : IWork
    {
        public void Run(int token, int worker)
        {
            float* scores = logits + (long)token * experts;
            for (int e = 0; e < experts; e++) scores[e] = Lanes.Dot(router + (long)e * dim, input + (long)token * dim, dim);
            if (!Lanes.AllFinite(scores, experts)) StepStatus.Report(status, layer);
            Pick(scores, ids + token * topK, weights + token * topK);
        }

        private void Pick(float* scores, int* chosen, float* chosenWeights)
        {
            for (int k = 0; k < topK; k++)
            {
                int best = -1;
                for (int e = 0; e < experts; e++)
                    if (!new ReadOnlySpan<int>(chosen, k).Contains(e) && (best < 0 || Beats(scores[e], scores[best]))) best = e;
                chosen[k] = best;
                chosenWeights[k] = scores[best];
            }
            float max = chosenWeights[0], sum = 0;
            for (int k = 0; k < topK; k++) sum += chosenWeights[k] = MathF.Exp(chosenWeights[k] - max);
            for (int k = 0; k < topK; k++) chosenWeights[k] /= sum;
        }

        private static bool Beats(float score, float other) => score > other || float.IsNaN(other) && !float.IsNaN(score);
    }
}
