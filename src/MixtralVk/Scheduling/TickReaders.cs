namespace MixtralVk.Scheduling;

/// <summary>Something that hands over what came of it, on the thread that ticks.</summary>
internal interface ITickReader
{
    /// <summary>Takes what is there, without waiting; false when nothing will come any more.</summary>
    bool Read();
}

/// <summary>Who is to be read in each tick. A tick that finds another one, or an addition, in progress on another thread leaves it out.</summary>
internal sealed class TickReaders
{
    private readonly List<ITickReader> _readers = [];
    private readonly Lock _lock = new();

    public void Add(ITickReader reader)
    {
        lock (_lock) _readers.Add(reader);
    }

    /// <summary>Reads all once; those that a reader adds meanwhile, too.</summary>
    public void Read()
    {
        if (!_lock.TryEnter()) return;
        try
        {
            for (int i = 0; i < _readers.Count; i++)
                if (!_readers[i].Read()) _readers.RemoveAt(i--);
        }
        finally
        {
            _lock.Exit();
        }
    }
}
