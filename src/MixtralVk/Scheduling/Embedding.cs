using System.Diagnostics;
using MixtralVk.Model;

namespace MixtralVk.Scheduling;

/// <summary>
/// A text being turned into a vector, a chunk at a time: the mean of the final hidden states of its tokens, with length 1. Waits for room in
/// the KV cache while texts in progress have it all.
/// </summary>
internal sealed class Embedding(ForwardPass forward, ReadOnlyMemory<int> tokens, CancellationToken cancellationToken) : IErrand
{
    private readonly TaskCompletionSource<float[]> _vector = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly double[] _sum = new double[forward.Config.Dim];
    private readonly StepBatch _batch = new(forward.MaxBatchTokens);
    private KvSequence? _kv;
    private int _done;

    /// <summary>The vector.</summary>
    public Task<float[]> Vector => _vector.Task;

    public bool Advance(Scheduler worker)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int chunk = worker.ChunkOf(tokens.Length - _done);
        lock (worker.Gate)
        {
            _kv ??= new KvSequence(forward.Pages);
            _kv.Truncate(_done); // where what was computed of a chunk could not be read
            // All of it at once: who has a part and waits for the rest would keep others from going on, and they this one.
            if (!_kv.TryReserve(tokens.Length, out _)) return true;
            _batch.Clear();
            _batch.Add(_kv, tokens.Span.Slice(_done, chunk), LogitRows.All);
            forward.Begin(_batch);
        }
        if (!worker.Run(_batch)) return true; // the model ends
        long start = Stopwatch.GetTimestamp();
        for (int row = 0; row < chunk; row++) Add(forward.Hidden(row));
        worker.SpendChoosing(start);
        _done += chunk;
        if (_done < tokens.Length) return true;
        Release(worker.Gate);
        _vector.SetResult(Normalized());
        return false;
    }

    public void Restart(Lock gate)
    {
        Release(gate);
        Array.Clear(_sum);
        _done = 0;
    }

    public void Fail(Lock gate, Exception problem)
    {
        Release(gate);
        if (problem is OperationCanceledException) _vector.TrySetCanceled(cancellationToken);
        else _vector.TrySetException(problem);
    }

    private void Add(ReadOnlySpan<float> hidden)
    {
        for (int i = 0; i < _sum.Length; i++) _sum[i] += hidden[i];
    }

    private float[] Normalized()
    {
        double length = Math.Sqrt(_sum.Sum(value => value * value)); // the mean's length does not matter
        return [.. _sum.Select(value => (float)(length > 0 ? value / length : 0))];
    }

    private void Release(Lock gate)
    {
        lock (gate) _kv?.Dispose();
        _kv = null;
    }
}
