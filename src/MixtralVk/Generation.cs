using System.Collections;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using MixtralVk.Sampling;
using MixtralVk.Tokenization;

namespace MixtralVk;

/// <summary>
/// A text being generated: enumerate it, once, to get its tokens as they are chosen. Each step runs on the enumerating thread;
/// <see cref="StreamAsync"/> runs them on the thread pool.
/// </summary>
public sealed class Generation : IEnumerable<GeneratedToken>
{
    private readonly Session _session;
    private readonly GenerationOptions _options;
    private CancellationToken _cancellationToken;
    private bool _started;
    private long _elapsed;
    private int _count;

    internal Generation(Session session, GenerationOptions options, CancellationToken cancellationToken)
    {
        _session = session;
        _options = options;
        _cancellationToken = cancellationToken;
    }

    /// <summary>Why it ended; null while it runs.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>
    /// True when the text is complete by <see cref="GenerationOptions.Constraint"/>: only then may it be parsed. It always is unless the
    /// generation was interrupted (cancelled, stopped by a stop string or a full context). Without a constraint always false.
    /// </summary>
    public bool IsComplete { get; private set; }

    /// <summary>The seed the tokens were drawn with: with it as <see cref="SamplingOptions.Seed"/> the same text comes again. 0 until it runs.</summary>
    public ulong Seed { get; private set; }

    /// <summary>What it has taken so far, with the prompt's prefill.</summary>
    public GenerationTimings Timings =>
        _session.PrefillTimings with { GeneratedTokens = _count, GenerationTime = Stopwatch.GetElapsedTime(0, _elapsed) };

    /// <inheritdoc/>
    public IEnumerator<GeneratedToken> GetEnumerator()
    {
        if (_started) throw new InvalidOperationException("A generation can be enumerated only once.");
        _started = true;
        return Run();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The tokens, each computed on the thread pool.</summary>
    public async IAsyncEnumerable<GeneratedToken> StreamAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_cancellationToken, cancellationToken);
        _cancellationToken = both.Token;
        using IEnumerator<GeneratedToken> tokens = GetEnumerator();
        Func<bool> next = tokens.MoveNext;
        while (await Task.Run(next, CancellationToken.None).ConfigureAwait(false)) yield return tokens.Current;
    }

    private IEnumerator<GeneratedToken> Run()
    {
        Tokenizer tokenizer = _session.Model.Tokenizer;
        int version = _session.Version;
        var chooser = new TokenChooser(_options, tokenizer, _session.Tokens);
        Seed = chooser.Seed;
        var decoder = new StreamingDecoder(tokenizer, trimLeadingSpace: false);
        bool trimSpace = _options.Constraint is { SkipsSpace: true };
        var stops = new StopMatcher(_options.StopStrings);
        try
        {
            while (FinishReason is null)
            {
                if (_session.Version != version) throw new InvalidOperationException("The session was used for something else before this generation ended.");
                long start = Stopwatch.GetTimestamp();
                if (!TryChoose(chooser, out GeneratedToken token)) yield break;
                FinishReason = ReasonToEnd(token.Id, tokenizer, chooser, _session.Append(token.Id));
                string text = stops.Append(Trimmed(decoder.Append(token.Id), ref trimSpace));
                if (stops.Stopped) (FinishReason, IsComplete) = (MixtralVk.FinishReason.StopString, false);
                else if (FinishReason is not null) text += stops.Append(decoder.Flush()) + stops.Flush();
                _elapsed += Stopwatch.GetTimestamp() - start;
                yield return token with { Text = text };
            }
        }
        finally
        {
            FinishReason ??= MixtralVk.FinishReason.Cancelled;
        }
    }

    /// <summary>The text without the space in front that a constraint lets through.</summary>
    private static string Trimmed(string text, ref bool trimSpace)
    {
        if (!trimSpace || text.Length == 0) return text;
        trimSpace = false;
        return text[0] == ' ' ? text[1..] : text;
    }

    private bool TryChoose(TokenChooser chooser, out GeneratedToken token)
    {
        token = default;
        if (_cancellationToken.IsCancellationRequested) return false;
        try
        {
            ReadOnlySpan<float> logits = _session.Logits(_cancellationToken);
            token = new GeneratedToken(chooser.Choose(logits), "");
            if (chooser.Probabilities(logits, token.Id) is var (probability, likeliest)) token = token with { LogProbability = probability, Likeliest = likeliest };
        }
        catch (OperationCanceledException) when (_cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        IsComplete = chooser.IsComplete;
        _count++;
        return true;
    }

    private FinishReason? ReasonToEnd(int token, Tokenizer tokenizer, TokenChooser chooser, bool hasRoom) =>
        tokenizer.IsEnd(token) || chooser.IsFinal ? MixtralVk.FinishReason.EndOfText
        : _count >= _options.MaxTokens ? MixtralVk.FinishReason.MaxTokens
        : hasRoom ? null
        : MixtralVk.FinishReason.ContextFull;
}
