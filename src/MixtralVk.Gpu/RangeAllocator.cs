namespace MixtralVk.Gpu;

/// <summary>First-fit allocation of byte ranges inside a block; neighbouring free ranges are joined. Not thread-safe.</summary>
internal sealed class RangeAllocator(ulong size, ulong alignment)
{
    /// <summary>Free ranges in ascending order, never touching each other.</summary>
    private readonly List<(ulong Offset, ulong Length)> _free = [(0, size)];

    public bool IsEmpty => _free.Count == 1 && _free[0].Length == size;

    /// <summary>Takes a range of at least <paramref name="length"/> bytes; both ends lie on the alignment.</summary>
    public bool TryTake(ulong length, out ulong offset)
    {
        ulong rounded = Round(length);
        for (int i = 0; i < _free.Count; i++)
        {
            (ulong start, ulong room) = _free[i];
            if (room < rounded) continue;
            offset = start;
            if (room == rounded) _free.RemoveAt(i);
            else _free[i] = (start + rounded, room - rounded);
            return true;
        }
        offset = 0;
        return false;
    }

    /// <summary>Gives back what <see cref="TryTake"/> gave, with the same length.</summary>
    public void Return(ulong offset, ulong length)
    {
        ulong rounded = Round(length);
        int next = _free.FindIndex(r => r.Offset > offset);
        if (next < 0) next = _free.Count;
        bool joinsNext = next < _free.Count && offset + rounded == _free[next].Offset;
        bool joinsPrevious = next > 0 && _free[next - 1].Offset + _free[next - 1].Length == offset;
        if (joinsNext)
        {
            rounded += _free[next].Length;
            _free.RemoveAt(next);
        }
        if (joinsPrevious) _free[next - 1] = (_free[next - 1].Offset, _free[next - 1].Length + rounded);
        else _free.Insert(next, (offset, rounded));
    }

    private ulong Round(ulong length) => (Math.Max(length, 1) + alignment - 1) / alignment * alignment;
}
