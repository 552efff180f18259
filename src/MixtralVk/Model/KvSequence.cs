namespace MixtralVk.Model;

/// <summary>
/// One sequence's part of the KV cache: its pages in order of position, and how many tokens they hold. Token at position p lies in page
/// <c>Pages[p / 32]</c>, slot <c>p % 32</c>. Not thread-safe.
/// </summary>
public sealed class KvSequence : IDisposable
{
    private readonly KvPages _pool;
    private readonly List<int> _pages = [];

    /// <summary>Makes an empty sequence over the pool.</summary>
    public KvSequence(KvPages pool) => _pool = pool;

    /// <summary>Page indices in order of position.</summary>
    public ReadOnlySpan<int> Pages => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_pages);

    /// <summary>Tokens whose keys and values are stored.</summary>
    public int Length { get; private set; }

    /// <summary>
    /// Makes room for <paramref name="length"/> tokens in all; the caller then runs the step and calls <see cref="Advance"/>.
    /// Throws <see cref="ContextOverflowException"/> when the pool has too few pages; what the sequence held stays as it was.
    /// </summary>
    public void Reserve(int length)
    {
        int wanted = KvPages.PagesFor(length);
        if (wanted - _pages.Count > _pool.FreeCount)
            throw new ContextOverflowException(length, (_pages.Count + _pool.FreeCount) * KvPages.PageTokens);
        while (_pages.Count < wanted && _pool.TryTake(out int page)) _pages.Add(page);
    }

    /// <summary>Counts <paramref name="tokens"/> more tokens as stored, after a step that wrote them.</summary>
    public void Advance(int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Length + tokens, _pages.Count * KvPages.PageTokens);
        Length += tokens;
    }

    /// <summary>Forgets every token from position <paramref name="length"/> on and returns the pages no longer used.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
        int keep = KvPages.PagesFor(length);
        for (int i = _pages.Count - 1; i >= keep; i--) _pool.Return(_pages[i]);
        _pages.RemoveRange(keep, _pages.Count - keep);
    }

    /// <summary>Returns all pages to the pool.</summary>
    public void Dispose() => Truncate(0);
}
