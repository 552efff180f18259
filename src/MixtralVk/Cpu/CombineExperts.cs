using System.Numerics;

namespace MixtralVk.Cpu;

/// <summary>residual[t] += sum over the token's slots, ascending, of weight * expert output.</summary>
internal static unsafe class CombineExperts
{
    /// <param name="threads">Work is split by tokens.</param>
    /// <param name="expertOutputs">(tokens, topK, dim)</param>
    /// <param name="weights">(tokens, topK)</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="topK">Slots of a token.</param>
    /// <param name="dim">Length of a row.</param>
    /// <param name="residual">(tokens, dim)</param>
    public static void Run(WorkerThreads threads, float* expertOutputs, float* weights, int tokens, int topK, int dim, float* residual) =>
        threads.Run(new Work(expertOutputs, weights, topK, dim, residual), tokens);

    private readonly struct Work(float* expertOutputs, float* weights, int topK, int dim, float* residual) : IWork
    {
        public void Run(int token, int worker)
        {
            float* to = residual + (long)token * dim;
            for (int k = 0; k < topK; k++)
            {
                float weight = weights[token * topK + k];
                float* from = expertOutputs + ((long)token * topK + k) * dim;
                int c = 0;
                for (; c <= dim - Vector<float>.Count; c += Vector<float>.Count)
                    (Vector.Load(to + c) + Vector.Load(from + c) * new Vector<float>(weight)).Store(to + c);
                for (; c < dim; c++) to[c] += from[c] * weight;
            }
        }
    }
}
