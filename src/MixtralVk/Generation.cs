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
        var sampler = new Sampler(_options, tokenizer.VocabSize);
        Seed = sampler.Seed;
        foreach (int token in _session.Tokens[Math.Max(0, _session.Tokens.Length - _options.RepetitionWindow)..]) sampler.Accept(token);
        var decoder = new StreamingDecoder(tokenizer, trimLeadingSpace: false);
        var stops = new StopMatcher(_options.StopStrings);
        try
        {
            while (FinishReason is null)
            {
                if (_session.Version != version) throw new InvalidOperationException("The session was used for something else before this generation ended.");
                long start = Stopwatch.GetTimestamp();
                if (!TrySample(sampler, out int token)) yield break;
                FinishReason = ReasonToEnd(token, tokenizer, _session.Append(token));
                string text = stops.Append(decoder.Append(token));
                if (stops.Stopped) FinishReason = MixtralVk.FinishReason.StopString;
                else if (FinishReason is not null) text += stops.Append(decoder.Flush()) + stops.Flush();
                _elapsed += Stopwatch.GetTimestamp() - start;
                yield return new GeneratedToken(token, text);
            }
        }
        finally
        {
            FinishReason ??= MixtralVk.FinishReason.Cancelled;
        }
    }

    private bool TrySample(Sampler sampler, out int token)
    {
        token = -1;
        if (_cancellationToken.IsCancellationRequested) return false;
        try
        {
            token = sampler.Sample(_session.Logits(_cancellationToken));
        }
        catch (OperationCanceledException) when (_cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        sampler.Accept(token);
        _count++;
        return true;
    }

    private FinishReason? ReasonToEnd(int token, Tokenizer tokenizer, bool hasRoom) =>
        tokenizer.IsEnd(token) ? MixtralVk.FinishReason.EndOfText
        : _count >= _options.MaxTokens ? MixtralVk.FinishReason.MaxTokens
        : hasRoom ? null
        : MixtralVk.FinishReason.ContextFull;
}
