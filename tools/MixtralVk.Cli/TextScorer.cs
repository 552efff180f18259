using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>How likely a model finds given texts.</summary>
internal sealed class TextScorer(ForwardPass forward)
{
    private readonly StepBatch _batch = new(forward.MaxBatchTokens);

    /// <summary>
    /// Natural logarithms of the probabilities of <c>tokens[first]</c>, <c>tokens[first + 1]</c> and so on, each after all tokens before
    /// it; <paramref name="first"/> is at least 1.
    /// </summary>
    public double[] LogProbabilities(ReadOnlySpan<int> tokens, int first, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(first);
        using var sequence = new KvSequence(forward.Pages);
        var scores = new double[tokens.Length - first];
        // The token before the first one scored is the first whose logits are wanted; the last one's are not.
        for (int start = 0; start < tokens.Length - 1;)
        {
            cancellation.ThrowIfCancellationRequested();
            bool wanted = start >= first - 1;
            int end = Math.Min(start + _batch.Capacity, wanted ? tokens.Length - 1 : first - 1);
            _batch.Clear();
            _batch.Add(sequence, tokens[start..end], wanted ? LogitRows.All : LogitRows.None);
            forward.Step(_batch);
            for (int row = 0; row < _batch.OutputCount; row++)
                scores[start + row + 1 - first] = LogSoftmax(forward.Logits(row), tokens[start + row + 1]);
            start = end;
        }
        return scores;
    }

    /// <summary>
    /// Logarithms of the probabilities of several texts' ends, after the beginning that all have in common. Where they differ in their last
    /// token only, the beginning is computed once.
    /// </summary>
    public double[] LogProbabilitiesOfEnds(int[][] texts, CancellationToken cancellation)
    {
        int common = texts.Min(text => texts[0].AsSpan().CommonPrefixLength(text));
        if (common == 0) throw new MixtralException("The choices have no common beginning in this model's vocabulary.");
        if (texts.Any(text => text.Length != common + 1))
            return [.. texts.Select(text => LogProbabilities(text, common, cancellation).Sum())];
        LogProbabilities(texts[0], common, cancellation);
        ReadOnlySpan<float> logits = forward.Logits(0);
        var scores = new double[texts.Length];
        for (int i = 0; i < texts.Length; i++) scores[i] = LogSoftmax(logits, texts[i][common]);
        return scores;
    }

    private static double LogSoftmax(ReadOnlySpan<float> logits, int token)
    {
        float max = logits[0];
        foreach (float logit in logits) max = Math.Max(max, logit);
        double sum = 0;
        foreach (float logit in logits) sum += Math.Exp(logit - max);
        return logits[token] - max - Math.Log(sum);
    }
}
