using MixtralVk.Tokenization;

namespace MixtralVk.Grammar;

/// <summary>The masks of one grammar for one vocabulary. When they have grown large, new ones take their place. Thread-safe.</summary>
internal sealed class VocabularyMasks
{
    private readonly Automaton _automaton;
    private readonly ConstraintLimits _limits;
    private readonly Tokenizer _tokenizer;
    private readonly TokenTrie _trie;
    private volatile TokenMasks _current;

    public VocabularyMasks(Automaton automaton, ConstraintLimits limits, Tokenizer tokenizer)
    {
        _automaton = automaton;
        _limits = limits;
        _tokenizer = tokenizer;
        _trie = TokenTrie.Of(tokenizer);
        if (_trie.MissingByte is int missing)
            throw new GrammarException($"The vocabulary has no token for the single byte 0x{missing:X2}: its texts cannot be constrained.");
        _current = NewMasks(null);
    }

    public TokenMasks Current
    {
        get
        {
            if (_current.IsFull) _current = NewMasks(_current);
            return _current;
        }
    }

    private TokenMasks NewMasks(TokenMasks? earlier) => new(_automaton, _limits, _tokenizer, _trie, earlier);
}
