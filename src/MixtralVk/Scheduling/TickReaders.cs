using System.Collections.Concurrent;

namespace MixtralVk.Scheduling;

/// <summary>Something that hands over what came of it, on the thread that ticks.</summary>
internal interface ITickReader
{
    /// <summary>
    /// Takes what is there, without waiting; false when nothing will come any more. It stays when a handler of it throws.
    /// </summary>
    bool Read();
}

/// <summary>
/// Who is to be read in each tick. Additions come from any thread and never wait; of two ticks at once, and of one that a handler makes,
/// only the first reads.
/// </summary>
internal sealed class TickReaders
{
    private readonly ConcurrentQueue<ITickReader> _added = [];
    private readonly List<ITickReader> _readers = [];
    private int _next, _isReading;

    public void Add(ITickReader reader) => _added.Enqueue(reader);

    /// <summary>
    /// Reads all once, those that are added meanwhile, too. What a reader throws ends it; the next call goes on behind that reader, so that
    /// one whose handler always throws holds up nobody.
    /// </summary>
    public void Read()
    {
        if (Interlocked.Exchange(ref _isReading, 1) != 0) return;
        try
        {
            while (true)
            {
                while (_added.TryDequeue(out ITickReader? added)) _readers.Add(added);
                if (_next >= _readers.Count) break;
                if (!_readers[_next++].Read()) _readers.RemoveAt(--_next);
            }
            _next = 0;
        }
        finally
        {
            Volatile.Write(ref _isReading, 0);
        }
    }
}
