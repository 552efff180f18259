namespace MixtralVk.Sampling;

/// <summary>Which tokens are among the last n.</summary>
internal sealed class RepetitionWindow
{
    private readonly int[] _recent, _counts;
    private int _seen;

    public RepetitionWindow(int length, int vocabSize)
    {
        _recent = new int[length];
        _counts = new int[vocabSize];
    }

    public bool Contains(int token) => _counts[token] > 0;

    public void Add(int token)
    {
        int slot = _seen % _recent.Length;
        if (_seen >= _recent.Length) _counts[_recent[slot]]--;
        _recent[slot] = token;
        _counts[token]++;
        _seen = _seen + 1 == 2 * _recent.Length ? _recent.Length : _seen + 1; // stays "full" without overflowing
    }
}
