using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>
/// A sequence that a bench feeds: any tokens do, and a fixed stride through the vocabulary makes the router choose different experts.
/// </summary>
internal sealed class BenchSequence(ForwardPass forward, int start) : IDisposable
{
    private long _next = start;

    public KvSequence Tokens { get; } = new(forward.Pages);

    /// <summary>The next token.</summary>
    public int Next() => (int)((_next++ * 7919 + 1) % forward.Config.VocabSize);

    /// <summary>Runs tokens in chunks until the sequence holds <paramref name="length"/>.</summary>
    public void Prefill(StepBatch batch, int length, CancellationToken cancellation)
    {
        while (Tokens.Length < length)
        {
            cancellation.ThrowIfCancellationRequested();
            int[] chunk = [.. Enumerable.Range(0, Math.Min(batch.Capacity, length - Tokens.Length)).Select(_ => Next())];
            batch.Clear();
            batch.Add(Tokens, chunk, LogitRows.None);
            forward.Step(batch);
        }
    }

    public void Dispose() => Tokens.Dispose();
}
