using System.Collections;
using System.Runtime.CompilerServices;
using System.Text;
using MixtralVk.Scheduling;

namespace MixtralVk;

/// <summary>
/// An answer in a <see cref="Chat"/>, computed by the model's own thread. Take its text piece by piece in one of three ways: enumerate it
/// (waits for each piece), stream it (<see cref="StreamAsync"/>: awaits, without a thread), or, in game loops, ask now and then
/// (<see cref="TryRead"/>: never waits) or be told in each frame's tick (<see cref="ReadInTick"/>). Leaving the loop early,
/// <see cref="Stop"/> and cancelling end the answer at what was read. One thread at a time; while it is read in ticks, that which ticks.
/// </summary>
public sealed class Reply : IEnumerable<string>, ITickReader
{
    private readonly Chat _chat;
    private readonly string _question;
    private readonly GenerationOptions _options;
    private CancellationToken _cancellationToken;
    private readonly StringBuilder _text;
    private readonly List<int> _tokens;
    private Generation? _generation;
    private GenerationTimings? _timings;
    private bool _enumerated;
    private Action<Reply, string>? _onText;
    private Action<Reply>? _onEnd;

    internal Reply(Chat chat, string question, GenerationOptions options, CancellationToken cancellationToken)
    {
        _chat = chat;
        _question = question;
        _options = options;
        _cancellationToken = cancellationToken;
        // So large that reading an answer of usual length allocates nothing.
        int tokens = Math.Min(options.MaxTokens, 512);
        (_tokens, _text) = (new List<int>(tokens), new StringBuilder(8 * tokens));
    }

    /// <summary>The text so far; the whole answer once it is read.</summary>
    public string Text => _text.ToString();

    /// <summary>Token ids so far, with the one that ended the answer.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>Why the answer ended, once it is read to the end; null while it runs.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>True once the answer is read to its end.</summary>
    public bool IsFinished => FinishReason is not null;

    /// <summary>
    /// True when the answer is complete by its <see cref="GenerationOptions.Constraint"/>; an interrupted one is not to be parsed.
    /// </summary>
    public bool IsComplete => _generation is { IsComplete: true };

    /// <summary>
    /// What went wrong and ended the answer before its time; null when nothing did. Who reads gets it thrown, but for readers in ticks
    /// (<see cref="ReadInTick"/>).
    /// </summary>
    public Exception? Problem { get; private set; }

    /// <summary>What it took.</summary>
    public GenerationTimings Timings => _timings ?? _generation?.Timings ?? default;

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator()
    {
        BeEnumerated();
        return Run();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>
    /// The pieces, awaited: no thread waits for them. What ends the answer meanwhile (<see cref="Stop"/>, the next question, a disposed
    /// chat) ends the loop.
    /// </summary>
    public async IAsyncEnumerable<string> StreamAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        BeEnumerated();
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_cancellationToken, cancellationToken);
        _cancellationToken = both.Token;
        try
        {
            await Task.Run(StartToRead, CancellationToken.None).ConfigureAwait(false); // a constraint may take its time to compile
            while (true)
            {
                Signal news = _chat.Session.News;
                int seen = news.Epoch;
                if (TryRead(out string piece)) yield return piece;
                else if (IsFinished) break;
                else await news.WaitAsync(seen).ConfigureAwait(false);
            }
        }
        finally
        {
            Stop();
        }
    }

    /// <summary>
    /// Takes the next piece of text if it is there, else gives an empty one; never waits, and allocates nothing while answers have usual
    /// lengths. False with <see cref="IsFinished"/> is the end. The first call begins the answer (<see cref="Start"/>). Throws what
    /// enumerating throws; that ends the answer, too.
    /// </summary>
    public bool TryRead(out string piece)
    {
        try
        {
            return TryTake(out piece);
        }
        catch (Exception problem)
        {
            EndBy(problem);
            throw;
        }
    }

    /// <summary>
    /// Has the model begin, if it has not yet; enumerating and reading do it themselves. An earlier answer in the same chat ends at what
    /// was read of it. Throws <see cref="Model.ContextOverflowException"/> when the question does not fit the context.
    /// </summary>
    public void Start()
    {
        if (_generation is not null || IsFinished) return;
        var generation = new Generation(_chat.Session, [.. _chat.Begin(this, _question, _options)], _options, _cancellationToken);
        generation.Start();
        _generation = generation;
    }

    /// <summary>
    /// Ends the answer at what was read of it, with <see cref="FinishReason.Cancelled"/>: the player walked away. The question and that
    /// much of an answer are then part of the conversation, as if the model had ended there; where no text was read, neither is. Does
    /// nothing when it has ended.
    /// </summary>
    public void Stop()
    {
        if (IsFinished) return;
        _generation?.Stop();
        End(_generation?.FinishReason ?? MixtralVk.FinishReason.Cancelled);
    }

    /// <summary>
    /// Has <see cref="MixtralModel.Tick"/> read the answer from now on: it hands each piece to <paramref name="onText"/> and, in the end,
    /// the answer to <paramref name="onEnd"/>, on the thread that ticks. Begins the answer (<see cref="Start"/>).
    /// <para>The end comes once, whatever it was: the model's, <see cref="Stop"/>, the next question, a disposed chat, a
    /// <see cref="Problem"/>. What a handler throws comes out of the tick; the piece or the end it was called for counts as handed over,
    /// and the next tick goes on with what follows.</para>
    /// </summary>
    public void ReadInTick(Action<Reply, string> onText, Action<Reply>? onEnd = null)
    {
        ArgumentNullException.ThrowIfNull(onText);
        if (_onText is not null) throw new InvalidOperationException("The answer is read in ticks already.");
        Start();
        (_onText, _onEnd) = (onText, onEnd);
        _chat.Session.Model.TickReaders.Add(this);
    }

    bool ITickReader.Read()
    {
        while (TryReadInTick(out string piece)) _onText!(this, piece);
        if (!IsFinished) return true;
        Action<Reply>? onEnd = _onEnd;
        _onEnd = null; // once, even when it throws
        onEnd?.Invoke(this);
        return false;
    }

    /// <summary>Begins for a reader: what keeps it from that ends the answer.</summary>
    private void StartToRead()
    {
        try
        {
            Start();
        }
        catch (Exception problem)
        {
            EndBy(problem);
            throw;
        }
    }

    private void EndBy(Exception problem)
    {
        Problem = problem;
        Stop();
    }

    /// <summary>Who enumerates what the ticks read would wait for pieces that they have taken.</summary>
    private void BeEnumerated()
    {
        if (_onText is not null) throw new InvalidOperationException("The answer is read in ticks; its text stays in Text.");
        if (_enumerated) throw new InvalidOperationException("An answer can be enumerated only once; its text stays in Text.");
        _enumerated = true;
    }

    private bool TryTake(out string piece)
    {
        piece = "";
        if (IsFinished) return false;
        Start();
        while (_generation!.TryRead(out GeneratedToken token))
        {
            _tokens.Add(token.Id);
            piece = _text.Length == 0 ? token.Text.TrimStart(' ') : token.Text;
            if (piece.Length == 0) continue;
            _text.Append(piece);
            return true;
        }
        if (_generation.FinishReason is { } reason) End(reason);
        return false;
    }

    private bool TryReadInTick(out string piece)
    {
        try
        {
            return TryRead(out piece);
        }
        catch (Exception) // told as Problem
        {
            piece = "";
            return false;
        }
    }

    /// <summary>
    /// Of an answer that was left before any of its text was read, the conversation knows nothing; an empty one that the model itself ended
    /// counts.
    /// </summary>
    private void End(FinishReason reason)
    {
        FinishReason = reason;
        _timings = Timings; // the session may go on to something else
        if (_text.Length > 0 || _tokens.Count > 0 && reason != MixtralVk.FinishReason.Cancelled)
            _chat.Record(_question, Text, _tokens, FinishReason);
    }

    private IEnumerator<string> Run()
    {
        try
        {
            StartToRead();
            while (true)
            {
                Signal news = _chat.Session.News;
                int seen = news.Epoch;
                if (TryRead(out string piece)) yield return piece;
                else if (IsFinished) yield break;
                else news.Wait(seen);
            }
        }
        finally
        {
            Stop();
        }
    }
}
