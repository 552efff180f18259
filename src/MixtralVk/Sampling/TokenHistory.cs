namespace MixtralVk.Sampling;

/// <summary>The last tokens of a text, oldest first, in one piece.</summary>
internal sealed class TokenHistory(int length)
{
    private readonly int[] _tokens = new int[2 * length];
    private int _end;

    /// <summary>The last tokens, at most <paramref name="count"/> and at most the history's length.</summary>
    public ReadOnlySpan<int> Last(int count) =>
        _tokens.AsSpan(_end - Math.Min(Math.Min(count, length), _end), Math.Min(Math.Min(count, length), _end));

    public void Add(int token)
    {
        if (length == 0) return;
        if (_end == _tokens.Length)
        {
            _tokens.AsSpan(length).CopyTo(_tokens);
            _end = length;
        }
        _tokens[_end++] = token;
    }
}
