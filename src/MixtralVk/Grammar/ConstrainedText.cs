namespace MixtralVk.Grammar;

/// <summary>
/// A text on its way through a constraint, token by token. Allocates when it meets a state for the first time only. Not thread-safe.
/// </summary>
internal sealed class ConstrainedText
{
    private readonly VocabularyMasks _vocabulary;
    private readonly uint[] _allowed;
    private TokenMasks _masks;
    private int _state;

    public ConstrainedText(VocabularyMasks vocabulary)
    {
        _vocabulary = vocabulary;
        _masks = vocabulary.Current;
        _state = _masks.Start;
        _allowed = new uint[_masks.MaskWords];
    }

    /// <summary>True when the text is one of the constraint as it stands.</summary>
    public bool IsComplete => _masks.Accepts(_state);

    /// <summary>True when it is complete and nothing can follow.</summary>
    public bool IsFinal => _masks.IsFinal(_state);

    /// <summary>
    /// The tokens that may come next (bit <c>t % 32</c> of word <c>t / 32</c>) when at most <paramref name="tokensLeft"/> tokens, that one
    /// included, may follow. Valid until the next call.
    /// </summary>
    public ReadOnlySpan<uint> Allowed(int tokensLeft)
    {
        _masks.Fill(_state, tokensLeft, _allowed);
        return _allowed;
    }

    /// <summary>Goes on with a token that was allowed; an end token changes nothing.</summary>
    public void Accept(int token)
    {
        _state = _masks.Step(_state, token);
        TokenMasks current = _vocabulary.Current;
        if (ReferenceEquals(current, _masks)) return;
        _state = current.Import(_masks, _state);
        _masks = current;
    }
}
