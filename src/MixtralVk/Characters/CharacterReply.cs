using System.Collections;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;

namespace MixtralVk.Characters;

/// <summary>
/// What a character says to a line, as it says it: enumerate it (waits), stream it (awaits) or read it now and then (<see cref="TryRead"/>, never
/// waits). When it is complete its action is noted for <see cref="CharacterActions.RunPending"/>. One thread at a time.
/// </summary>
public sealed class CharacterReply : IEnumerable<string>
{
    private readonly Character _character;
    private readonly Reply _reply;
    private readonly SpeechDecoder _decoder = new();
    private readonly StringBuilder _speech = new();
    private readonly long _start = Stopwatch.GetTimestamp();

    internal CharacterReply(Character character, Reply reply)
    {
        _character = character;
        _reply = reply;
    }

    /// <summary>What was said so far.</summary>
    public string Speech => _speech.ToString();

    /// <summary>The whole reply once it is complete; null before, and of an interrupted one always: that is never parsed.</summary>
    public CharacterAnswer? Answer { get; private set; }

    /// <summary>True once it has ended, complete or not.</summary>
    public bool IsFinished => _reply.IsFinished;

    /// <summary>True when it ended before it was complete: <see cref="Interrupt"/>, the time limit, a full context, cancellation.</summary>
    public bool IsInterrupted => IsFinished && Answer is null;

    /// <summary>What it took.</summary>
    public GenerationTimings Timings => _reply.Timings;

    /// <summary>Takes the next piece of speech if it is there, else gives an empty one; never waits. False with <see cref="IsFinished"/> is the end.</summary>
    public bool TryRead(out string piece)
    {
        piece = "";
        if (IsFinished) return false;
        if (_character.Sheet.MaxTime is { } limit && Stopwatch.GetElapsedTime(_start) > limit) Interrupt();
        while (_reply.TryRead(out string json))
        {
            piece = Decode(json);
            if (piece.Length > 0) return true;
        }
        if (IsFinished) End();
        return false;
    }

    /// <summary>Ends it at what was read, which is remembered as said: the player walked away. Does nothing when it has ended.</summary>
    public void Interrupt() => _reply.Stop();

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator()
    {
        foreach (string json in _reply)
        {
            if (Decode(json) is { Length: > 0 } piece) yield return piece;
            if (_character.Sheet.MaxTime is { } limit && Stopwatch.GetElapsedTime(_start) > limit) break;
        }
        End();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The pieces of speech, awaited.</summary>
    public async IAsyncEnumerable<string> StreamAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (string json in _reply.StreamAsync(cancellationToken).ConfigureAwait(false))
        {
            if (Decode(json) is { Length: > 0 } piece) yield return piece;
            if (_character.Sheet.MaxTime is { } limit && Stopwatch.GetElapsedTime(_start) > limit) break;
        }
        End();
    }

    private string Decode(string json)
    {
        string piece = _decoder.Append(json);
        _speech.Append(piece);
        return piece;
    }

    private void End()
    {
        if (Answer is not null || !_reply.IsComplete) return;
        Answer = CharacterAnswer.Parse(_reply.Text);
        _character.Sheet.Actions?.Enqueue(_character, Answer.Action, Answer.Target);
    }
}
