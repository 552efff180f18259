using MixtralVk.Bench;
using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>Decode of several sequences at once, a token of each in every step, each after a prompt of its own.</summary>
internal static class BatchBench
{
    public static IEnumerable<BatchReport> Run(ForwardPass forward, IEnumerable<int> counts, int promptTokens, int genTokens, int repeat,
        CancellationToken cancellation)
    {
        var batch = new StepBatch(forward.MaxBatchTokens);
        BenchSequence[] sequences = [];
        try
        {
            foreach (int count in counts)
            {
                // Starts far apart, so that the sequences' experts differ.
                sequences = [.. sequences,
                    .. Enumerable.Range(sequences.Length, count - sequences.Length).Select(s => new BenchSequence(forward, s * 1031))];
                foreach (BenchSequence sequence in sequences) sequence.Prefill(batch, promptTokens, cancellation);
                RoundTimes times = DecodeRounds.Measure(forward, batch, sequences, genTokens, repeat, cancellation);
                double tokens = (double)count * genTokens;
                yield return new BatchReport(count, Spread.Of(times.Seconds.Select(s => tokens / s)),
                    Spread.Of(times.CpuSeconds.Select(s => s / tokens)));
            }
        }
        finally
        {
            foreach (BenchSequence sequence in sequences) sequence.Dispose();
        }
    }
}

/// <summary>Decode of several sequences at once: tokens of all of them together.</summary>
internal sealed record BatchReport(int Sequences, Spread DecodeTokensPerSecond, Spread DecodeCpuSecondsPerToken);
