using System.Diagnostics;
using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>What repeated rounds took, in seconds; CPU time of all threads together.</summary>
internal readonly record struct RoundTimes(double[] Seconds, double[] CpuSeconds);

/// <summary>Decodes a token of each of some sequences in every step, round by round from the same lengths.</summary>
internal static class DecodeRounds
{
    /// <summary>
    /// Times <paramref name="repeat"/> rounds of <paramref name="tokens"/> steps, after one that is not timed: it compiles shaders and
    /// fills caches.
    /// </summary>
    public static RoundTimes Measure(ForwardPass forward, StepBatch batch, ReadOnlySpan<BenchSequence> sequences, int tokens, int repeat,
        CancellationToken cancellation)
    {
        var times = new RoundTimes(new double[repeat], new double[repeat]);
        for (int round = -1; round < repeat; round++)
        {
            int length = sequences[0].Tokens.Length;
            double cpu = ProcessMeter.CpuSeconds;
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < tokens; i++) Step(forward, batch, sequences, cancellation);
            if (round >= 0)
                (times.Seconds[round], times.CpuSeconds[round]) =
                    (Stopwatch.GetElapsedTime(start).TotalSeconds, ProcessMeter.CpuSeconds - cpu);
            foreach (BenchSequence sequence in sequences) sequence.Tokens.Truncate(length);
        }
        return times;
    }

    private static void Step(ForwardPass forward, StepBatch batch, ReadOnlySpan<BenchSequence> sequences, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        batch.Clear();
        foreach (BenchSequence sequence in sequences) batch.Add(sequence.Tokens, [sequence.Next()], LogitRows.Last);
        forward.Step(batch);
    }
}
