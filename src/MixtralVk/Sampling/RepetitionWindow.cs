namespace MixtralVk.Sampling;

/// <summary>The last n tokens.</summary>
internal sealed class RepetitionWindow(int length)
{
    private readonly int[] _recent = new int[length];
    private int _next, _count;

    /// <summary>The tokens, in no order; one that came twice is there twice.</summary>
    public ReadOnlySpan<int> Tokens => _recent.AsSpan(0, _count);

    public void Add(int token)
    {
        _recent[_next] = token;
        _next = (_next + 1) % _recent.Length;
        _count = Math.Min(_count + 1, _recent.Length);
    }
}
