using MixtralVk.Grammar;
using MixtralVk.Sampling;
using MixtralVk.Tokenization;

namespace MixtralVk;

/// <summary>
/// Chooses the tokens of one answer by everything that <see cref="GenerationOptions"/> say: samples among those that the constraint, the
/// banned strings and the least length allow. Allocates when made, and where a constraint or banned string meets a state for the first
/// time. Not thread-safe.
/// </summary>
internal sealed class TokenChooser
{
    private readonly GenerationOptions _options;
    private readonly Tokenizer _tokenizer;
    private readonly Sampler _sampler;
    private readonly ConstrainedText? _constrained;
    private readonly WatchedTexts? _banned, _breakers;
    private readonly uint[] _allowed, _allVocabulary;
    private readonly Candidates? _likeliest;
    private int _bannedState = StringAutomaton.Start, _breakerState = StringAutomaton.Start;

    /// <summary>Begins an answer to the text so far. Throws <see cref="GrammarException"/> where no answer fits the limit.</summary>
    public TokenChooser(GenerationOptions options, Tokenizer tokenizer, ReadOnlySpan<int> text, SamplingScratch? scratch = null)
    {
        _options = options;
        _tokenizer = tokenizer;
        _constrained = options.Constraint?.Without(options.BannedStrings).Begin(tokenizer, options.MaxTokens);
        if (options.BannedStrings.Count > 0) _banned = WatchedTexts.Of(options.BannedStrings, ignoreCase: true, tokenizer);
        if (options.DryMultiplier > 0 && options.DryBreakers.Count > 0)
            _breakers = WatchedTexts.Of(options.DryBreakers, ignoreCase: false, tokenizer);
        _sampler = new Sampler(options, tokenizer.VocabSize, _breakers?.Completing(StringAutomaton.Start) ?? default, scratch);
        _allowed = new uint[_banned is null && options.MinTokens == 0 ? 0 : (tokenizer.VocabSize + 31) / 32];
        _allVocabulary = new uint[_allowed.Length];
        for (int token = 0; _allowed.Length > 0 && token < tokenizer.VocabSize; token++) _allVocabulary[token / 32] |= 1u << (token % 32);
        if (options.LogProbabilities is > 0 and int count) _likeliest = new Candidates(Math.Min(count, tokenizer.VocabSize));
        foreach (int token in text[Math.Max(0, text.Length - options.HistoryLength)..]) Remember(token);
    }

    /// <summary>The seed the tokens are drawn with.</summary>
    public ulong Seed => _sampler.Seed;

    /// <summary>Tokens chosen.</summary>
    public int Count { get; private set; }

    /// <summary>True when the answer is complete by the constraint; without one never.</summary>
    public bool IsComplete => _constrained is { IsComplete: true };

    /// <summary>True when it is, and nothing can follow.</summary>
    public bool IsFinal => _constrained is { IsFinal: true };

    /// <summary>Chooses the next token of the answer.</summary>
    public int Choose(ReadOnlySpan<float> logits)
    {
        int token = _sampler.Sample(logits, Allowed());
        Remember(token);
        _constrained?.Accept(token);
        if (_banned is not null) _bannedState = _banned.Step(_bannedState, token, out _);
        Count++;
        return token;
    }

    /// <summary>What the model thought of a token and of the likeliest ones; allocates as it is asked for.</summary>
    public (float LogProbability, IReadOnlyList<TokenProbability> Likeliest)? Probabilities(ReadOnlySpan<float> logits, int token)
    {
        if (_options.LogProbabilities is not int count) return null;
        float largest = LogitSums.Largest(logits);
        double all = largest + Math.Log(LogitSums.Weights(logits, largest, temperature: 1));
        var likeliest = new TokenProbability[Math.Min(count, logits.Length)];
        ReadOnlySpan<ulong> keys = _likeliest is null ? [] : _likeliest.Likeliest(logits, likeliest.Length);
        for (int i = 0; i < keys.Length; i++)
            likeliest[i] = new TokenProbability(Candidates.TokenOf(keys[i]), (float)(Candidates.LogitOf(keys[i]) - all));
        return ((float)(logits[token] - all), likeliest.AsReadOnly());
    }

    private void Remember(int token)
    {
        bool breaks = false;
        if (_breakers is not null) _breakerState = _breakers.Step(_breakerState, token, out breaks);
        _sampler.Accept(token, breaks);
    }

    /// <summary>
    /// The tokens that may follow; none stands for all. Where nothing would be left, the least length gives way first, then a banned string
    /// that is in every answer of the constraint: a constrained answer always comes to its end.
    /// </summary>
    private ReadOnlySpan<uint> Allowed()
    {
        ReadOnlySpan<uint> constrained = _constrained is null ? [] : _constrained.Allowed(_options.MaxTokens - Count);
        bool tooShort = Count < _options.MinTokens;
        if (_banned is null && !tooShort) return constrained;
        return tooShort && Narrow(constrained, mayEnd: false) || Narrow(constrained, mayEnd: true) ? _allowed : constrained;
    }

    /// <summary>Leaves out what is banned; false where nothing is left.</summary>
    private bool Narrow(ReadOnlySpan<uint> constrained, bool mayEnd)
    {
        if (constrained.IsEmpty) _allVocabulary.CopyTo(_allowed, 0);
        else constrained.CopyTo(_allowed);
        if (_banned is not null)
        {
            ReadOnlySpan<uint> completing = _banned.Completing(_bannedState).Span;
            for (int i = 0; i < _allowed.Length; i++) _allowed[i] &= ~completing[i];
        }
        if (!mayEnd)
            foreach (int end in (ReadOnlySpan<int>)[_tokenizer.Eos, _tokenizer.EndOfTurn])
                if (end >= 0) _allowed[end / 32] &= ~(1u << (end % 32));
        return _allowed.AsSpan().ContainsAnyExcept(0u);
    }
}
