namespace MixtralVk.Model;

/// <summary>
/// Hands out the pages of a KV cache. A page holds the keys and values of <see cref="PageTokens"/> tokens in every layer; a sequence
/// owns a list of pages (<see cref="KvSequence"/>), and sequences that begin with the same tokens share the whole pages of them. Pages
/// without an owner keep what they hold until they are wanted for something else, the longest unused first; after them, sequences that
/// can be computed again give up theirs, the highest rank first and of these the longest unused. What a page held before may go to the
/// host's memory, where it has any for it, and is found and brought back from there. Not thread-safe: owned by whoever runs steps.
/// </summary>
public sealed class KvPages
{
    /// <summary>Tokens of a page.</summary>
    public const int PageTokens = 32;

    private readonly Stack<int> _empty, _emptyOnHost;
    private readonly int[] _owners;                             // of each page
    // Of each place, in one of the next two where it can be found and nobody owns it.
    private readonly LinkedListNode<int>[] _nodes;
    private readonly LinkedList<int> _kept = new(), _onHost = new();    // the longest unused first
    private readonly List<(int From, int To)> _copies = [];
    private readonly LinkedList<KvSequence> _yielding = new();  // those that can be computed again, the longest unused first

    /// <summary>Makes a pool of <paramref name="pageCount"/> free pages.</summary>
    public KvPages(int pageCount)
        : this(pageCount, 0)
    {
    }

    /// <summary>
    /// The same with room for so many more in the host's memory; whoever runs steps makes the copies (<see cref="TakeCopies"/>) before
    /// each.
    /// </summary>
    internal KvPages(int pageCount, int hostPageCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pageCount);
        PageCount = pageCount;
        _empty = new Stack<int>(Enumerable.Range(0, pageCount).Reverse());
        _emptyOnHost = new Stack<int>(Enumerable.Range(pageCount, hostPageCount).Reverse());
        _owners = new int[pageCount];
        _nodes = [.. Enumerable.Range(0, pageCount + hostPageCount).Select(place => new LinkedListNode<int>(place))];
        Prefixes = new PrefixIndex(pageCount + hostPageCount);
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

    /// <summary>
    /// Gives <paramref name="taker"/> a page whose content is lost; false when sequences that cannot yield own all others.
    /// </summary>
    internal bool TryTake(KvSequence taker, out int page)
    {
        while (!TryTakeUnowned(out page))
            if (!TryYield(taker)) return false;
        _owners[page] = 1;
        return true;
    }

    /// <summary>Adds an owner to what was found by its tokens; false when it is in the host's memory and there is no page for it.</summary>
    internal bool TryShare(KvSequence taker, int place, out int page)
    {
        page = place;
        if (place < PageCount)
        {
            if (_owners[page]++ == 0) _kept.Remove(_nodes[page]);
            return true;
        }
        _onHost.Remove(_nodes[place]); // so that it is not what makes room for others
        if (!TryTake(taker, out page))
        {
            _onHost.AddLast(_nodes[place]);
            return false;
        }
        Prefixes.Move(place, page);
        Note(place, page);
        _emptyOnHost.Push(place);
        return true;
    }

    /// <summary>Makes a page, just computed, the one that is found instead of its like in the host's memory.</summary>
    internal void TakeOver(int hostPlace, int page)
    {
        _onHost.Remove(_nodes[hostPlace]);
        Prefixes.Move(hostPlace, page);
        _emptyOnHost.Push(hostPlace);
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

    /// <summary>
    /// Moves what is to be copied, one after the other, before the next step to <paramref name="copies"/>: places from
    /// <see cref="PageCount"/> on are in the host's memory. Pages that change hands meanwhile are copied before the step after it: may be
    /// called without the pool being locked.
    /// </summary>
    internal void TakeCopies(Queue<(int From, int To)> copies)
    {
        lock (_copies)
        {
            foreach ((int From, int To) copy in _copies) copies.Enqueue(copy);
            _copies.Clear();
        }
    }

    private void Note(int from, int to)
    {
        lock (_copies) _copies.Add((from, to));
    }

    /// <summary>
    /// What the pages hold is lost with their device: sequences that can be computed again hold nothing, and nothing is found by its
    /// tokens.
    /// </summary>
    internal void Forget()
    {
        foreach (KvSequence sequence in _yielding) sequence.Yield();
        while (_kept.First is { } node)
        {
            _kept.Remove(node);
            Prefixes.Remove(node.Value);
            _empty.Push(node.Value);
        }
        while (_onHost.First is { } node) // its memory was the device's, too
        {
            _onHost.Remove(node);
            Prefixes.Remove(node.Value);
            _emptyOnHost.Push(node.Value);
        }
        lock (_copies) _copies.Clear();
    }

    private bool TryTakeUnowned(out int page)
    {
        if (_empty.TryPop(out page)) return true;
        if (_kept.First is not { } longestUnused) return false;
        _kept.Remove(longestUnused);
        page = longestUnused.Value;
        if (!TryMoveToHost(page)) Prefixes.Remove(page);
        return true;
    }

    private bool TryMoveToHost(int page)
    {
        if (!_emptyOnHost.TryPop(out int place))
        {
            if (_onHost.First is not { } longestUnused) return false;
            _onHost.Remove(longestUnused);
            place = longestUnused.Value;
            Prefixes.Remove(place);
        }
        Prefixes.Move(page, place);
        _onHost.AddLast(_nodes[place]);
        Note(page, place);
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
