using System.Runtime.InteropServices;

namespace MixtralVk.Model;

/// <summary>
/// One sequence's part of the KV cache: its pages in order of position, and how many tokens they hold. Token at position p lies in page
/// <c>Pages[p / 32]</c>, slot <c>p % 32</c>. Not thread-safe.
/// </summary>
public sealed class KvSequence : IDisposable
{
    private readonly KvPages _pool;
    private readonly List<int> _pages = [];
    private readonly LinkedListNode<KvSequence>? _place;        // among those that yield; null where nothing is shared
    private readonly int[] _last = new int[KvPages.PageTokens]; // tokens of the last page, when it is not whole

    /// <summary>Makes an empty sequence over the pool that owns its pages alone and keeps them.</summary>
    public KvSequence(KvPages pool)
        : this(pool, shares: false)
    {
    }

    /// <summary>
    /// The same; with <paramref name="shares"/> other sequences find its whole pages, which then never change, and it may lose its pages
    /// between two steps: its owner has the tokens and computes again what is missing.
    /// </summary>
    internal KvSequence(KvPages pool, bool shares)
    {
        _pool = pool;
        if (!shares) return;
        _place = new LinkedListNode<KvSequence>(this);
        pool.AddYielding(_place);
    }

    /// <summary>Page indices in order of position.</summary>
    public ReadOnlySpan<int> Pages => CollectionsMarshal.AsSpan(_pages);

    /// <summary>Tokens whose keys and values are stored.</summary>
    public int Length { get; private set; }

    /// <summary>True from the time its room in a step is reserved until the step's batch is cleared.</summary>
    internal bool IsInStep { get; private set; }

    /// <summary>
    /// When the pool is full, whoever needs a page takes it from the highest rank, never from one below its own; unless set, nobody waits
    /// for it.
    /// </summary>
    internal long Rank { get; set; } = long.MaxValue;

    private bool Shares => _place is not null;

    /// <summary>
    /// Makes room for <paramref name="length"/> tokens in all; the caller then runs the step and calls <see cref="Advance"/>.
    /// Throws <see cref="ContextOverflowException"/> when the pool has too few pages; what the sequence held stays as it was.
    /// </summary>
    public void Reserve(int length)
    {
        if (!TryReserve(length, out int available)) throw new ContextOverflowException(length, available);
    }

    /// <summary>The same without an exception: where it fails, <paramref name="available"/> tokens would have had room.</summary>
    internal bool TryReserve(int length, out int available)
    {
        int had = _pages.Count, wanted = KvPages.PagesFor(length);
        available = length;
        while (_pages.Count < wanted)
        {
            if (_pool.TryTake(this, out int page)) _pages.Add(page);
            else
            {
                available = _pages.Count * KvPages.PageTokens;
                ReturnFrom(had);
                return false;
            }
        }
        return true;
    }

    /// <summary>
    /// Goes on from what is in the cache already: <paramref name="tokens"/> begin with those stored, and each further whole page of them
    /// that is found becomes this sequence's, too. For sequences that share.
    /// </summary>
    internal void Adopt(ReadOnlySpan<int> tokens)
    {
        for (int i = Length / KvPages.PageTokens; (i + 1) * KvPages.PageTokens <= tokens.Length; i++)
        {
            if (!_pool.Prefixes.TryFind(NameBefore(i), tokens.Slice(i * KvPages.PageTokens, KvPages.PageTokens), out int place)) return;
            if (!_pool.TryShare(this, place, out int page)) return;
            Put(i, page);
            Length = (i + 1) * KvPages.PageTokens;
        }
    }

    /// <summary>Counts <paramref name="tokens"/> as stored after those before, when a step has written them.</summary>
    public void Advance(ReadOnlySpan<int> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Length + tokens.Length, _pages.Count * KvPages.PageTokens);
        foreach (int token in tokens)
        {
            _last[Length++ % KvPages.PageTokens] = token;
            if (Shares && Length % KvPages.PageTokens == 0) Publish(Length / KvPages.PageTokens - 1);
        }
    }

    /// <summary>
    /// Forgets every token from position <paramref name="length"/> on and returns the pages no longer used. Where that is inside a page
    /// that others use as well, the whole page goes: <see cref="Length"/> is then lower, by at most 31.
    /// </summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        int whole = Length / KvPages.PageTokens, keep = KvPages.PagesFor(length);
        ReturnFrom(keep);
        Length = length;
        if (!Shares || length % KvPages.PageTokens == 0 || keep > whole) return;
        int last = _pages[keep - 1];
        if (_pool.OwnersOf(last) > 1)
        {
            ReturnFrom(keep - 1);
            Length = (keep - 1) * KvPages.PageTokens;
        }
        else
        {
            _pool.Prefixes.TokensOf(last).CopyTo(_last);
            _pool.Prefixes.Remove(last);
        }
    }

    /// <summary>Returns all pages to the pool.</summary>
    public void Dispose()
    {
        Yield();
        if (_place is { List: not null }) _pool.RemoveYielding(_place);
    }

    /// <summary>Returns all pages; what they hold can be found until it is overwritten.</summary>
    internal void Yield()
    {
        ReturnFrom(0);
        Length = 0;
    }

    internal void BeginStep()
    {
        IsInStep = true;
        if (_place is not null) _pool.Touch(_place);
    }

    internal void EndStep() => IsInStep = false;

    /// <summary>Returns pages, the last one first: what has more before it is the first to be overwritten.</summary>
    private void ReturnFrom(int keep)
    {
        for (int i = _pages.Count - 1; i >= keep; i--) _pool.Return(_pages[i]);
        _pages.RemoveRange(keep, _pages.Count - keep);
    }

    /// <summary>
    /// Lets others find page <paramref name="i"/>, now whole; where one of the same tokens is there already, that takes its place.
    /// </summary>
    private void Publish(int i)
    {
        if (!_pool.Prefixes.TryFind(NameBefore(i), _last, out int same)) _pool.Prefixes.Add(_pages[i], NameBefore(i), _last);
        else if (same >= _pool.PageCount) _pool.TakeOver(same, _pages[i]);
        else if (_pool.TryShare(this, same, out int page)) Put(i, page);
    }

    private long NameBefore(int i) => i == 0 ? PrefixIndex.Root : _pool.Prefixes.NameOf(_pages[i - 1]);

    private void Put(int i, int page)
    {
        if (i == _pages.Count) _pages.Add(page);
        else
        {
            _pool.Return(_pages[i]);
            _pages[i] = page;
        }
    }
}
