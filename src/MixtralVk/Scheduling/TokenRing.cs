namespace MixtralVk.Scheduling;

/// <summary>A token the worker has chosen, and what its reader is to know with it.</summary>
/// <param name="Token">The token and its text.</param>
/// <param name="Reason">Why the text ends with it; null when it goes on.</param>
/// <param name="IsComplete">Whether the text is one of the constraint.</param>
/// <param name="Elapsed">Stopwatch ticks since the generation began, without the time in which the reader held it up.</param>
internal readonly record struct ChosenToken(GeneratedToken Token, FinishReason? Reason, bool IsComplete, long Elapsed);

/// <summary>
/// Tokens on their way from the worker to one reader, without a lock. It bounds how far the worker runs ahead of a reader: a reader that
/// hangs holds up only its own text, and one that leaves has wasted no more than these.
/// </summary>
internal sealed class TokenRing
{
    /// <summary>Most tokens not read yet, a power of two: what a fast model makes between two frames.</summary>
    public const int Capacity = 32;

    private readonly ChosenToken[] _tokens = new ChosenToken[Capacity];
    private int _written, _read;

    /// <summary>For the worker: no room for another token.</summary>
    public bool IsFull => Volatile.Read(ref _written) - Volatile.Read(ref _read) == Capacity;

    /// <summary>The worker's side.</summary>
    public void Write(in ChosenToken token)
    {
        _tokens[_written & (Capacity - 1)] = token;
        Interlocked.Exchange(ref _written, _written + 1);
    }

    /// <summary>
    /// The reader's side. <paramref name="madeRoom"/>: the ring was full, so the worker may be waiting for room. Each side publishes its
    /// index before it looks at the other's (a full fence), so either the worker sees the room or the reader sees that it was needed.
    /// </summary>
    public bool TryRead(out ChosenToken token, out bool madeRoom)
    {
        token = default;
        madeRoom = false;
        int read = _read;
        if (read == Volatile.Read(ref _written)) return false;
        token = _tokens[read & (Capacity - 1)];
        Interlocked.Exchange(ref _read, read + 1);
        madeRoom = Volatile.Read(ref _written) - read == Capacity;
        return true;
    }
}
