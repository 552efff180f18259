using System.Buffers;

namespace MixtralVk.Tokenization;

/// <summary>
/// Two neighbouring symbols that a vocabulary piece covers; <c>Length</c> (chars of both) tells later whether either has changed.
/// </summary>
internal readonly record struct Merge(float Score, int Left, int Right, int Length, int Token)
{
    /// <summary>Higher scores first; of equal ones the leftmost.</summary>
    public bool Before(in Merge other) => Score > other.Score || Score == other.Score && Left < other.Left;
}

/// <summary>Binary heap of merges over a pooled array.</summary>
internal struct MergeQueue : IDisposable
{
    private Merge[] _heap;
    private int _count;

    public MergeQueue(int capacity) => _heap = ArrayPool<Merge>.Shared.Rent(capacity);

    public void Push(in Merge merge)
    {
        if (_count == _heap.Length) Grow();
        int i = _count++;
        while (i > 0 && merge.Before(_heap[(i - 1) / 2]))
        {
            _heap[i] = _heap[(i - 1) / 2];
            i = (i - 1) / 2;
        }
        _heap[i] = merge;
    }

    public bool TryPop(out Merge first)
    {
        first = default;
        if (_count == 0) return false;
        first = _heap[0];
        Merge last = _heap[--_count];
        int i = 0;
        for (int child = 1; child < _count; child = 2 * i + 1)
        {
            if (child + 1 < _count && _heap[child + 1].Before(_heap[child])) child++;
            if (!_heap[child].Before(last)) break;
            _heap[i] = _heap[child];
            i = child;
        }
        _heap[i] = last;
        return true;
    }

    public readonly void Dispose() => ArrayPool<Merge>.Shared.Return(_heap);

    private void Grow()
    {
        Merge[] larger = ArrayPool<Merge>.Shared.Rent(_heap.Length * 2);
        _heap.AsSpan(0, _count).CopyTo(larger);
        ArrayPool<Merge>.Shared.Return(_heap);
        _heap = larger;
    }
}
