namespace MixtralVk.Model;

/// <summary>
/// Hands out the pages of a KV cache. A page holds the keys and values of <see cref="PageTokens"/> tokens in every layer; a sequence
/// owns a list of pages (<see cref="KvSequence"/>), and sequences that begin with the same tokens share the whole pages of them. Pages
/// without an owner keep what they hold until they are wanted for something else, the longest unused first; after them, sequences that
/// can be computed again give up theirs, the highest rank first and of these the longest unused. Not thread-safe: owned by whoever runs steps.
/// </summary>
public sealed class KvPages
{
    /// <summary>Tokens of a page.</summary>
    public const int PageTokens = 32;

    private readonly Stack<int> _empty;
    private readonly int[] _owners;                             // of each page
    private readonly LinkedListNode<int>[] _nodes;              // of each page, in _kept while nobody owns it and it can be found
    private readonly LinkedList<int> _kept = new();             // the longest unused first
    private readonly LinkedList<KvSequence> _yielding = new();  // those that can be computed again, the longest unused first

    /// <summary>Makes a pool of <paramref name="pageCount"/> free pages.</summary>
    public KvPages(int pageCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pageCount);
        PageCount = pageCount;
        _empty = new Stack<int>(Enumerable.Range(0, pageCount).Reverse());
        _owners = new int[pageCount];
        _nodes = [.. Enumerable.Range(0, pageCount).Select(page => new LinkedListNode<int>(page))];
        Prefixes = new PrefixIndex(pageCount);
    }

    /// <summary>Pages in all.</summary>
    public int PageCount { get; }

    /// <summary>Pages nobody owns.</summary>
    public int FreeCount => _empty.Count + _kept.Count;

    /// <summary>Where whole pages are found by their tokens.</summary>
    internal PrefixIndex Prefixes { get; }

    /// <summary>Pages that hold <paramref name="tokens"/> tokens of one sequence.</summary>
    public static int PagesFor(int tokens) => tokens / PageTokens + (tokens % PageTokens > 0 ? 1 : 0);

    internal int OwnersOf(int page) => _owners[page];

    /// <summary>Gives <paramref name="taker"/> a page whose content is lost; false when sequences that cannot yield own all others.</summary>
    internal bool TryTake(KvSequence taker, out int page)
    {
        while (!TryTakeUnowned(out page))
            if (!TryYield(taker)) return false;
        _owners[page] = 1;
        return true;
    }

    /// <summary>Adds an owner to a page that was found by its tokens.</summary>
    internal void Share(int page)
    {
        if (_owners[page]++ == 0) _kept.Remove(_nodes[page]);
    }

    internal void Return(int page)
    {
        if (--_owners[page] > 0) return;
        if (Prefixes.Contains(page)) _kept.AddLast(_nodes[page]);
        else _empty.Push(page);
    }

    /// <summary>From now on the sequence may lose its pages to others, unless it is in a step.</summary>
    internal void AddYielding(LinkedListNode<KvSequence> sequence) => _yielding.AddLast(sequence);

    internal void RemoveYielding(LinkedListNode<KvSequence> sequence) => _yielding.Remove(sequence);

    /// <summary>Makes a yielding sequence the last to lose its pages.</summary>
    internal void Touch(LinkedListNode<KvSequence> sequence)
    {
        _yielding.Remove(sequence);
        _yielding.AddLast(sequence);
    }

    private bool TryTakeUnowned(out int page)
    {
        if (_empty.TryPop(out page)) return true;
        if (_kept.First is not { } longestUnused) return false;
        _kept.Remove(longestUnused);
        page = longestUnused.Value;
        Prefixes.Remove(page);
        return true;
    }

    private bool TryYield(KvSequence taker)
    {
        KvSequence? yielding = null;
        for (LinkedListNode<KvSequence>? node = _yielding.First; node is not null; node = node.Next)
        {
            KvSequence other = node.Value;
            if (other == taker || other.IsInStep || other.Pages.Length == 0 || other.Rank < taker.Rank) continue;
            if (yielding is null || other.Rank > yielding.Rank) yielding = other;
        }
        yielding?.Yield();
        return yielding is not null;
    }
}
