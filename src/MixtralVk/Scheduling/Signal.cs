using System.Threading.Tasks.Sources;

namespace MixtralVk.Scheduling;

/// <summary>
/// Wakes the one reader of a sequence, a blocked thread or an awaiting method, without allocating and without a thread per waiting reader.
/// No wake-up is lost: the reader notes <see cref="Epoch"/>, looks whether what it wants is there, and if not waits for a later epoch.
/// <para>
/// Where nobody waits, <see cref="Raise"/> takes no lock: a game's tick is not to be held up by a thread of low priority that has one. Who
/// waits counts itself before it looks at the epoch, who raises changes the epoch before it looks at the count (full fences): one of the
/// two sees the other.
/// </para>
/// </summary>
internal sealed class Signal : IValueTaskSource
{
    private readonly object _monitor = new();
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private int _epoch, _waiting;
    private bool _isAwaited;

    /// <summary>Grows with each <see cref="Raise"/>.</summary>
    public int Epoch => Volatile.Read(ref _epoch);

    /// <summary>Something is new.</summary>
    public void Raise()
    {
        Interlocked.Increment(ref _epoch);
        if (Volatile.Read(ref _waiting) == 0) return;
        bool awaited;
        lock (_monitor)
        {
            Monitor.PulseAll(_monitor);
            awaited = _isAwaited;
            if (awaited) EndAwait();
        }
        if (awaited) _source.SetResult(true);
    }

    /// <summary>Blocks until something is newer than <paramref name="seen"/>.</summary>
    public void Wait(int seen)
    {
        lock (_monitor)
        {
            Interlocked.Increment(ref _waiting);
            while (Epoch == seen) Monitor.Wait(_monitor);
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>The same for an awaiting method, one at a time.</summary>
    public ValueTask WaitAsync(int seen)
    {
        lock (_monitor)
        {
            _source.Reset();
            _isAwaited = true;
            Interlocked.Increment(ref _waiting);
            if (Epoch == seen) return new ValueTask(this, _source.Version);
            EndAwait();
            return default;
        }
    }

    private void EndAwait()
    {
        _isAwaited = false;
        Interlocked.Decrement(ref _waiting);
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
