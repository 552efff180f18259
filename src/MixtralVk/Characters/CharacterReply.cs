using System.Collections;
using System.Runtime.CompilerServices;

namespace MixtralVk.Characters;

/// <summary>
/// What a character says to a line, as it says it: be told in each frame's tick (<see cref="ReadInTick"/>), enumerate it (waits), stream it
/// (awaits) or read it now and then (<see cref="TryRead"/>, never waits). However it is read, the action of a complete one is called by
/// <see cref="MixtralModel.Tick"/>. One thread at a time; while it is read in ticks, that which ticks.
/// </summary>
public sealed class CharacterReply : IEnumerable<string>
{
    private readonly Character _character;
    private readonly Reply _reply;
    private readonly CancellationTokenSource? _timeLimit;
    private readonly AnswerDecoder _decoder;

    /// <param name="character">Who speaks.</param>
    /// <param name="reply">Its JSON.</param>
    /// <param name="timeLimit">What cancels that in the end; null for nothing.</param>
    internal CharacterReply(Character character, Reply reply, CancellationTokenSource? timeLimit)
    {
        _character = character;
        _reply = reply;
        _timeLimit = timeLimit;
        // Handing over a reply of usual length allocates nothing.
        _decoder = new AnswerDecoder(8 * Math.Min(character.Sheet.MaxTokens, 512));
    }

    /// <summary>What was said so far.</summary>
    public string Speech => _decoder.Speech;

    /// <summary>The whole reply once it is complete; null before, and of an interrupted one always: that is never parsed.</summary>
    public CharacterAnswer? Answer { get; private set; }

    /// <summary>True once it has ended, complete or not.</summary>
    public bool IsFinished => _reply.IsFinished;

    /// <summary>
    /// True when it ended before it was complete: <see cref="Interrupt"/>, the next line, the time limit, a full context, cancellation, a
    /// <see cref="Problem"/>.
    /// </summary>
    public bool IsInterrupted => IsFinished && Answer is null;

    /// <summary>What went wrong and interrupted it; null when nothing did (<see cref="Reply.Problem"/>).</summary>
    public Exception? Problem => _reply.Problem;

    /// <summary>Tokens so far, with those of its JSON form.</summary>
    public int TokenCount => _reply.Tokens.Count;

    /// <summary>What it took.</summary>
    public GenerationTimings Timings => _reply.Timings;

    /// <summary>
    /// Has <see cref="MixtralModel.Tick"/> read it from now on: speech goes to <paramref name="onSpeech"/> piece by piece, the reply to
    /// <paramref name="onEnd"/> once it has ended, and then the action is called, all on the thread that ticks. Begins the reply. Handlers
    /// that throw: <see cref="Reply.ReadInTick"/>; the action is called all the same.
    /// </summary>
    public void ReadInTick(Action<CharacterReply, string> onSpeech, Action<CharacterReply>? onEnd = null)
    {
        ArgumentNullException.ThrowIfNull(onSpeech);
        _reply.ReadInTick(
            (_, json) =>
            {
                if (_decoder.Append(json) is { Length: > 0 } piece) onSpeech(this, piece);
            },
            _ =>
            {
                End();
                onEnd?.Invoke(this);
            });
    }

    /// <summary>
    /// Takes the next piece of speech if it is there, else gives an empty one; never waits. False with <see cref="IsFinished"/> is the end.
    /// Throws what enumerating throws; that interrupts it, too.
    /// </summary>
    public bool TryRead(out string piece)
    {
        try
        {
            while (_reply.TryRead(out string json))
            {
                piece = _decoder.Append(json);
                if (piece.Length > 0) return true;
            }
            piece = "";
            return false;
        }
        finally
        {
            if (IsFinished) End();
        }
    }

    /// <summary>
    /// Ends it at what was read: the player walked away. That is remembered as said; where nothing was said, line and reply are forgotten.
    /// It does nothing of what it may have decided. Does nothing when it has ended.
    /// </summary>
    public void Interrupt()
    {
        _reply.Stop();
        End();
    }

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator()
    {
        try
        {
            foreach (string json in _reply)
                if (_decoder.Append(json) is { Length: > 0 } piece) yield return piece;
        }
        finally
        {
            End();
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The pieces of speech, awaited.</summary>
    public async IAsyncEnumerable<string> StreamAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        try
        {
            await foreach (string json in _reply.StreamAsync(cancellationToken).ConfigureAwait(false))
                if (_decoder.Append(json) is { Length: > 0 } piece) yield return piece;
        }
        finally
        {
            End();
        }
    }

    private void End()
    {
        _timeLimit?.Dispose();
        if (Answer is not null || !_reply.IsComplete) return;
        Answer = _decoder.ToAnswer();
        _character.Decide(Answer);
    }
}
