using System.Diagnostics;
using MixtralVk.Bench;
using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>Decode of several sequences at once, a token of each in every step, each after a prompt of its own.</summary>
internal static class BatchBench
{
    public static IEnumerable<BatchReport> Run(ForwardPass forward, IEnumerable<int> counts, int promptTokens, int genTokens, int repeat, CancellationToken cancellation)
    {
        var batch = new StepBatch(forward.MaxBatchTokens);
        BenchSequence[] sequences = [];
        try
        {
            foreach (int count in counts)
            {
                // Starts far apart, so that the sequences' experts differ.
                sequences = [.. sequences, .. Enumerable.Range(sequences.Length, count - sequences.Length).Select(s => new BenchSequence(forward, s * 1031))];
                foreach (BenchSequence sequence in sequences) sequence.Prefill(batch, promptTokens, cancellation);
                Decode(forward, sequences, batch, promptTokens, genTokens, cancellation); // compiles shaders, fills caches
                var seconds = new double[repeat];
                var cpuSeconds = new double[repeat];
                for (int run = 0; run < repeat; run++)
                {
                    double cpu = ProcessMeter.CpuSeconds;
                    long start = Stopwatch.GetTimestamp();
                    Decode(forward, sequences, batch, promptTokens, genTokens, cancellation);
                    seconds[run] = Stopwatch.GetElapsedTime(start).TotalSeconds;
                    cpuSeconds[run] = ProcessMeter.CpuSeconds - cpu;
                }
                double tokens = (double)count * genTokens;
                yield return new BatchReport(count, Spread.Of(seconds.Select(s => tokens / s)), Spread.Of(cpuSeconds.Select(s => s / tokens)));
            }
        }
        finally
        {
            foreach (BenchSequence sequence in sequences) sequence.Dispose();
        }
    }

    /// <summary>Decodes, and drops the tokens again.</summary>
    private static void Decode(ForwardPass forward, BenchSequence[] sequences, StepBatch batch, int promptTokens, int count, CancellationToken cancellation)
    {
        for (int i = 0; i < count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            batch.Clear();
            foreach (BenchSequence sequence in sequences) batch.Add(sequence.Tokens, [sequence.Next()], LogitRows.Last);
            forward.Step(batch);
        }
        foreach (BenchSequence sequence in sequences) sequence.Tokens.Truncate(promptTokens);
    }
}

/// <summary>Decode of several sequences at once: tokens of all of them together.</summary>
internal sealed record BatchReport(int Sequences, Spread DecodeTokensPerSecond, Spread DecodeCpuSecondsPerToken);
