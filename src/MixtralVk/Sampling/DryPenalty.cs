namespace MixtralVk.Sampling;

/// <summary>
/// "Don't repeat yourself": a token that would go on with a repetition of at least the allowed length loses
/// multiplier * base^(length - allowed length), where the length is that of the longest end of the text that stood before the same token
/// earlier. Repetitions do not reach across a sequence breaker.
/// </summary>
internal sealed class DryPenalty
{
    private readonly SamplingOptions _options;
    private readonly int[] _repeats; // length of the longest common end of the text and of the text i tokens earlier
    private readonly int[] _longest; // by token
    private readonly ReadOnlyMemory<uint> _breakers;
    private readonly int _mostExponent;
    private int _sinceBreak;

    /// <param name="options">Multiplier, base, allowed length and window.</param>
    /// <param name="vocabSize">Tokens of the vocabulary.</param>
    /// <param name="breakers">Tokens that are never penalised as they break sequences themselves, one bit each; may be empty.</param>
    public DryPenalty(SamplingOptions options, int vocabSize, ReadOnlyMemory<uint> breakers)
    {
        _options = options;
        _repeats = new int[options.DryWindow];
        _longest = new int[vocabSize];
        _breakers = breakers;
        _mostExponent = options.DryBase > 1.000001f ? (int)(Math.Log(float.MaxValue) / Math.Log(options.DryBase)) : int.MaxValue;
    }

    public static bool IsOn(SamplingOptions options) => options.DryMultiplier > 0 && options.DryWindow > 0;

    /// <summary>Counts a token; one with which a sequence breaker is complete ends all repetitions.</summary>
    public void Accept(bool breaks) => _sinceBreak = breaks ? 0 : Math.Min(_sinceBreak + 1, _options.DryWindow);

    public void Apply(Span<float> logits, TokenHistory history)
    {
        ReadOnlySpan<int> text = history.Last(_options.DryWindow);
        if (text.Length <= _options.DryAllowedLength || _sinceBreak < _options.DryAllowedLength) return;
        FindRepeats(text);
        for (int back = 1; back < text.Length; back++)
        {
            int length = Math.Min(_repeats[back], _sinceBreak), next = text[^back];
            if (length >= _options.DryAllowedLength) _longest[next] = Math.Max(_longest[next], length);
        }
        for (int back = 1; back < text.Length; back++)
        {
            int next = text[^back], length = _longest[next];
            if (length == 0) continue;
            _longest[next] = 0;
            if (IsBreaker(next)) continue;
            float penalty =
                _options.DryMultiplier * (float)Math.Pow(_options.DryBase, Math.Min(length - _options.DryAllowedLength, _mostExponent));
            if (float.IsFinite(logits[next])) logits[next] = Math.Max(logits[next] - penalty, float.MinValue);
        }
    }

    /// <summary>
    /// The Z function of the text read backwards (D. Gusfield, "Algorithms on strings, trees, and sequences", 1997): linear in its length.
    /// </summary>
    private void FindRepeats(ReadOnlySpan<int> text)
    {
        int left = 0, right = 0; // the part known to equal a beginning, of those found the one that reaches furthest
        for (int back = 1; back < text.Length; back++)
        {
            int length = back < right ? Math.Min(right - back, _repeats[back - left]) : 0;
            while (back + length < text.Length && text[^(length + 1)] == text[^(back + length + 1)]) length++;
            _repeats[back] = length;
            if (back + length > right) (left, right) = (back, back + length);
        }
    }

    private bool IsBreaker(int token) => !_breakers.IsEmpty && (_breakers.Span[token / 32] >> (token % 32) & 1) != 0;
}
