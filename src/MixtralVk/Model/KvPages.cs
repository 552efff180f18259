namespace MixtralVk.Model;

/// <summary>How keys and values are stored.</summary>
public enum KvFormat
{
    /// <summary>16-bit floats (the default).</summary>
    F16,
    /// <summary>32-bit floats.</summary>
    F32,
}

/// <summary>
/// Hands out the pages of a KV cache. A page holds the keys and values of <see cref="PageTokens"/> tokens in every layer; a sequence
/// owns a list of pages (<see cref="KvSequence"/>). Not thread-safe: owned by whoever runs steps.
/// </summary>
public sealed class KvPages
{
    /// <summary>Tokens of a page.</summary>
    public const int PageTokens = 32;

    private readonly Stack<int> _free;

    /// <summary>Makes a pool of <paramref name="pageCount"/> free pages.</summary>
    public KvPages(int pageCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pageCount);
        PageCount = pageCount;
        _free = new Stack<int>(Enumerable.Range(0, pageCount).Reverse());
    }

    /// <summary>Pages in all.</summary>
    public int PageCount { get; }

    /// <summary>Pages nobody owns.</summary>
    public int FreeCount => _free.Count;

    /// <summary>Pages that hold <paramref name="tokens"/> tokens of one sequence.</summary>
    public static int PagesFor(int tokens) => tokens / PageTokens + (tokens % PageTokens > 0 ? 1 : 0);

    internal bool TryTake(out int page) => _free.TryPop(out page);

    internal void Return(int page) => _free.Push(page);
}
