using MixtralVk.Sampling;
using MixtralVk.Tokenization;

namespace MixtralVk.Scheduling;

/// <summary>
/// A text being generated: chooses its tokens from logits and tells what they mean, their text and where it ends. Made by the reader,
/// written by the worker; the tokens go from one to the other in <see cref="Chosen"/>.
/// </summary>
internal sealed class Draft
{
    private readonly GenerationOptions _options;
    private readonly Tokenizer _tokenizer;
    private readonly TokenChooser _chooser;
    private readonly StreamingDecoder _decoder;
    private readonly StopMatcher _stops;
    private bool _trimSpace;

    /// <summary>For a text that goes on after <paramref name="text"/>; <paramref name="scratch"/> is the worker's.</summary>
    public Draft(GenerationOptions options, Tokenizer tokenizer, ReadOnlySpan<int> text, SamplingScratch scratch)
    {
        _options = options;
        _tokenizer = tokenizer;
        _chooser = new TokenChooser(options, tokenizer, text, scratch);
        _trimSpace = options.Constraint is { SkipsSpace: true };
        _decoder = new StreamingDecoder(tokenizer, trimLeadingSpace: false);
        _stops = new StopMatcher(options.StopStrings);
    }

    /// <summary>The seed the tokens are drawn with.</summary>
    public ulong Seed => _chooser.Seed;

    /// <summary>Tokens that the reader has not taken yet.</summary>
    public TokenRing Chosen { get; } = new();

    /// <summary>Stopwatch ticks in which the worker has not been waiting for the reader.</summary>
    public long Elapsed { get; set; }

    /// <summary>The next token. <paramref name="hasRoom"/>: the context has room to go on after it.</summary>
    public ChosenToken Choose(ReadOnlySpan<float> logits, bool hasRoom)
    {
        var token = new GeneratedToken(_chooser.Choose(logits), "");
        if (_chooser.Probabilities(logits, token.Id) is var (probability, likeliest))
            token = token with { LogProbability = probability, Likeliest = likeliest };
        bool complete = _chooser.IsComplete;
        FinishReason? reason = ReasonToEnd(token.Id, hasRoom);
        string text = _stops.Append(Trimmed(_decoder.Append(token.Id)));
        if (_stops.Stopped) (reason, complete) = (FinishReason.StopString, false);
        else if (reason is not null) text += _stops.Append(_decoder.Flush()) + _stops.Flush();
        return new ChosenToken(token with { Text = text }, reason, complete, 0);
    }

    /// <summary>The text without the space in front that a constraint lets through.</summary>
    private string Trimmed(string text)
    {
        if (!_trimSpace || text.Length == 0) return text;
        _trimSpace = false;
        return text[0] == ' ' ? text[1..] : text;
    }

    private FinishReason? ReasonToEnd(int token, bool hasRoom) =>
        _tokenizer.IsEnd(token) || _chooser.IsFinal ? FinishReason.EndOfText
        : _chooser.Count >= _options.MaxTokens ? FinishReason.MaxTokens
        : hasRoom ? null
        : FinishReason.ContextFull;
}
