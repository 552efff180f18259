using MixtralVk.Bench;
using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>
/// Decode at given context lengths. The cache is filled by a real prefill, each length from the one before; after a run the tokens it
/// decoded are dropped again.
/// </summary>
internal static class ContextBench
{
    public static IEnumerable<ContextReport> Run(ForwardPass forward, IEnumerable<int> lengths, int genTokens, int repeat,
        long weightBytes, CancellationToken cancellation)
    {
        var batch = new StepBatch(forward.MaxBatchTokens);
        using var sequence = new BenchSequence(forward, 0);
        foreach (int length in lengths)
        {
            sequence.Prefill(batch, length, cancellation);
            RoundTimes times = DecodeRounds.Measure(forward, batch, [sequence], genTokens, repeat, cancellation);
            yield return new ContextReport(length, Spread.Of(times.Seconds.Select(s => genTokens / s)),
                Spread.Of(times.CpuSeconds.Select(s => s / genTokens)),
                weightBytes + (length + genTokens / 2) * forward.KvTokenBytes);
        }
    }
}

/// <summary>Decode at one context length. Bytes: the weights of a token and its keys and values.</summary>
internal sealed record ContextReport(int ContextTokens, Spread DecodeTokensPerSecond, Spread DecodeCpuSecondsPerToken, long BytesPerToken);
