using System.Diagnostics;
using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>What one run took, in seconds; CPU time of all threads together.</summary>
internal readonly record struct BenchRun(double PrefillSeconds, double FirstTokenSeconds, double DecodeSeconds, double PrefillCpuSeconds,
    double DecodeCpuSeconds);

/// <summary>A prompt in chunks, then greedy tokens one by one, each run from an empty sequence.</summary>
internal sealed class DecodeBench
{
    private readonly ForwardPass _forward;
    private readonly StepBatch _batch;
    private readonly int[] _prompt;
    private readonly int _genTokens;

    public DecodeBench(ForwardPass forward, int promptTokens, int genTokens)
    {
        _forward = forward;
        _batch = new StepBatch(forward.MaxBatchTokens);
        // Any tokens do; a fixed stride through the vocabulary makes the router choose different experts.
        _prompt = [.. Enumerable.Range(0, promptTokens).Select(i => (int)((i * 7919L + 1) % forward.Config.VocabSize))];
        _genTokens = genTokens;
    }

    public BenchRun Run(CancellationToken cancellation)
    {
        using var sequence = new KvSequence(_forward.Pages);
        double cpu = ProcessMeter.CpuSeconds;
        long start = Stopwatch.GetTimestamp();
        foreach (int[] chunk in _prompt.Chunk(_batch.Capacity)) Step(sequence, chunk, cancellation);
        double prefill = Stopwatch.GetElapsedTime(start).TotalSeconds;
        int token = Likeliest();
        double firstToken = Stopwatch.GetElapsedTime(start).TotalSeconds, prefillCpu = ProcessMeter.CpuSeconds - cpu;

        cpu = ProcessMeter.CpuSeconds;
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < _genTokens; i++)
        {
            Step(sequence, [token], cancellation);
            token = Likeliest();
        }
        double decode = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new BenchRun(prefill, firstToken, decode, prefillCpu, ProcessMeter.CpuSeconds - cpu);
    }

    private void Step(KvSequence sequence, ReadOnlySpan<int> tokens, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        _batch.Clear();
        _batch.Add(sequence, tokens, LogitRows.Last);
        _forward.Step(_batch);
    }

    private int Likeliest()
    {
        ReadOnlySpan<float> logits = _forward.Logits(0);
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
            if (logits[i] > logits[best]) best = i;
        return best;
    }
}
