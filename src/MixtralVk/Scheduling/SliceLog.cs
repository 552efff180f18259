namespace MixtralVk.Scheduling;

/// <summary>The latest slices, until somebody takes them; the oldest are forgotten. Thread-safe.</summary>
internal sealed class SliceLog
{
    private const int Capacity = 1024;

    private readonly Slice[] _slices = new Slice[Capacity];
    private readonly Lock _lock = new();
    private long _written, _read;

    public void Add(in Slice slice)
    {
        lock (_lock)
        {
            _slices[_written++ % Capacity] = slice;
            _read = Math.Max(_read, _written - Capacity);
        }
    }

    /// <summary>Takes the oldest that fit; gives their number.</summary>
    public int Take(Span<Slice> destination)
    {
        lock (_lock)
        {
            int count = (int)Math.Min(destination.Length, _written - _read);
            for (int i = 0; i < count; i++) destination[i] = _slices[_read++ % Capacity];
            return count;
        }
    }
}
