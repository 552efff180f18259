using System.Threading.Tasks.Sources;

namespace MixtralVk.Scheduling;

/// <summary>
/// Wakes the one reader of a sequence, a blocked thread or an awaiting method, without allocating and without a thread per waiting reader.
/// No wake-up is lost: the reader notes <see cref="Epoch"/>, looks whether what it wants is there, and if not waits for a later epoch.
/// </summary>
internal sealed class Signal : IValueTaskSource
{
    private readonly object _monitor = new();
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private int _epoch;
    private bool _isAwaited;

    /// <summary>Grows with each <see cref="Raise"/>.</summary>
    public int Epoch => Volatile.Read(ref _epoch);

    /// <summary>Something is new.</summary>
    public void Raise()
    {
        bool awaited;
        lock (_monitor)
        {
            _epoch++;
            Monitor.PulseAll(_monitor);
            awaited = _isAwaited;
            _isAwaited = false;
        }
        if (awaited) _source.SetResult(true);
    }

    /// <summary>Blocks until something is newer than <paramref name="seen"/>.</summary>
    public void Wait(int seen)
    {
        lock (_monitor)
            while (_epoch == seen) Monitor.Wait(_monitor);
    }

    /// <summary>The same for an awaiting method, one at a time.</summary>
    public ValueTask WaitAsync(int seen)
    {
        lock (_monitor)
        {
            if (_epoch != seen) return default;
            _source.Reset();
            _isAwaited = true;
            return new ValueTask(this, _source.Version);
        }
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
