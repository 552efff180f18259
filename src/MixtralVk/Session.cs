using System.Diagnostics;
using System.Runtime.ExceptionServices;
using MixtralVk.Model;
using MixtralVk.Scheduling;

namespace MixtralVk;

/// <summary>
/// One text in progress: its tokens, and their keys and values on the device. Sessions of one model may be used from different threads at
/// the same time, and what they want is computed together; one session by one thread at a time. After any exception or cancellation the
/// session holds what was computed so far and can be used again.
/// </summary>
public sealed class Session : IDisposable
{
    private readonly Scheduler _scheduler;
    private readonly Sequence _sequence;
    private int _length, _promptLength; // tokens the caller has seen (the worker may be ahead), and of the latest prompt
    private Priority _priority = Priority.Normal;
    private bool _disposed;

    internal Session(MixtralModel model)
    {
        Model = model;
        _scheduler = model.Scheduler;
        _sequence = _scheduler.CreateSequence();
    }

    /// <summary>The model.</summary>
    public MixtralModel Model { get; }

    /// <summary>What is computed first when several sessions want something. May be changed at any time, by any thread.</summary>
    public Priority Priority
    {
        get => _priority;
        set => _sequence.Priority = _priority = value;
    }

    /// <summary>The tokens of the text, prompt and generated ones. Valid until the session is used again.</summary>
    public ReadOnlySpan<int> Tokens
    {
        get
        {
            lock (_scheduler.Gate) return _sequence.Tokens[.._length];
        }
    }

    /// <summary>What the latest prompt took: how many of its tokens were there already, how many were computed, in what time.</summary>
    public GenerationTimings PrefillTimings => new(
        Math.Max(0, _promptLength - _sequence.Computed), _sequence.Computed,
        Stopwatch.GetElapsedTime(0, _sequence.PrefillTime), 0, TimeSpan.Zero);

    /// <summary>
    /// A session that goes on from the same text on its own. Nothing is copied: they share what is computed, up to 31 tokens of it are
    /// computed again.
    /// </summary>
    public Session Fork()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var fork = new Session(Model) { _length = _length, Priority = Priority };
        lock (_scheduler.Gate) fork._sequence.CopyFrom(_sequence, _length);
        return fork;
    }

    /// <summary>Counts uses, so that a generation notices when its session was used for something else.</summary>
    internal int Version { get; private set; }

    /// <summary>
    /// Raised when there may be something to <see cref="TryTake"/>, and when nothing will come any more; of what was begun last.
    /// </summary>
    internal Signal News => _sequence.News;

    /// <summary>
    /// Makes the text exactly these tokens, computes what is not computed yet and waits for it: the longest common beginning with what the
    /// session holds is kept, and what any session has computed of the same beginning, in whole pages of 32 tokens, is shared. Throws
    /// <see cref="ContextOverflowException"/> when they do not fit and <see cref="TokenRangeException"/> for one outside the vocabulary
    /// (nothing changes then), <see cref="NonFiniteException"/>, or <see cref="OperationCanceledException"/>.
    /// </summary>
    public void Prefill(ReadOnlySpan<int> tokens, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested(); // nothing changes, however fast the model is
        Begin(tokens, null);
        using CancellationTokenRegistration registration = CancelOn(cancellationToken);
        try
        {
            for (int seen = News.Epoch; !TryEndPrefill(cancellationToken); seen = News.Epoch) News.Wait(seen);
        }
        finally
        {
            Stop();
        }
    }

    /// <summary>
    /// Goes on with the text. The tokens appear as the result is enumerated, once; see <see cref="Generation"/> for the asynchronous form,
    /// for one that never waits, and for how it ended. Cancelling ends the enumeration without an exception.
    /// </summary>
    public Generation Generate(GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (Tokens.Length == 0) throw NoText();
        return Generate(null, options, cancellationToken);
    }

    /// <summary>
    /// Makes the text these tokens, as <see cref="Prefill"/> does but without waiting for it, and goes on with it; both begin when the
    /// result is read for the first time. Cancelled before the prompt is computed, the session holds what is computed of it.
    /// </summary>
    public Generation Generate(ReadOnlySpan<int> prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (prompt.IsEmpty) throw new ArgumentException("There is no text to go on with.", nameof(prompt));
        return Generate(prompt.ToArray(), options, cancellationToken);
    }

    /// <summary>Frees the session's part of the KV cache, at once.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Version++;
        lock (_scheduler.Gate)
        {
            _scheduler.Withdraw(_sequence);
            _sequence.Kv.Dispose();
            News.Raise();
        }
    }

    /// <summary>
    /// Makes the text these tokens, has the worker compute what is missing and then go on with <paramref name="draft"/>, if any, and
    /// returns at once. What was in progress ends.
    /// </summary>
    internal void Begin(ReadOnlySpan<int> tokens, Draft? draft)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (tokens.Length > Model.ContextLength) throw new ContextOverflowException(tokens.Length, Model.ContextLength);
        foreach (int token in tokens)
            if ((uint)token >= (uint)Model.Config.VocabSize) throw new TokenRangeException(token, Model.Config.VocabSize);
        Version++;
        lock (_scheduler.Gate)
        {
            Rewind();
            _sequence.SetText(tokens);
            _length = _promptLength = tokens.Length;
            Begin(draft, isPrompt: true);
        }
    }

    /// <summary>
    /// Makes the text these tokens and has them computed where that costs others little; returns at once. Whatever the session is used for
    /// next goes on from as much as is computed by then. Does nothing when it or the model is disposed.
    /// </summary>
    internal void Prepare(ReadOnlySpan<int> tokens)
    {
        if (_disposed || _scheduler.IsStopped) return;
        Begin(tokens, null);
        _sequence.Priority = Priority.Background;
    }

    /// <summary>False while a prompt is being computed.</summary>
    internal bool IsPrefilled
    {
        get
        {
            lock (_scheduler.Gate) return _sequence.IsPrefilled;
        }
    }

    /// <summary>Ends what is in progress, so that something else may go on with the text; gives what is left of it, a token at least.</summary>
    internal ReadOnlySpan<int> EndLatest()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Version++;
        Stop();
        return Tokens.Length > 0 ? Tokens : throw NoText();
    }

    /// <summary>After <see cref="EndLatest"/>: has the worker go on with the text as it is.</summary>
    internal void Begin(Draft draft)
    {
        lock (_scheduler.Gate) Begin(draft, isPrompt: false);
    }

    /// <summary>
    /// Takes the next token that <paramref name="draft"/> has chosen; false when there is none yet. Throws what ended the worker's effort.
    /// Only for the latest draft begun with.
    /// </summary>
    internal bool TryTake(Draft draft, out ChosenToken token)
    {
        if (draft.Chosen.TryRead(out token, out bool madeRoom))
        {
            _length++;
            if (madeRoom) _scheduler.Wake();
            return true;
        }
        TakeFailure()?.Throw();
        return false;
    }

    /// <summary>
    /// Ends what is in progress: the text is what the caller has seen of it, without a prompt's tokens that are not computed.
    /// </summary>
    internal void Stop()
    {
        lock (_scheduler.Gate) Rewind();
    }

    /// <summary>
    /// When cancelled, the worker lets go of what is in progress and the reader is woken, which then calls <see cref="Stop"/>; unless the
    /// session has been used for something else.
    /// </summary>
    internal CancellationTokenRegistration CancelOn(CancellationToken cancellationToken)
    {
        int version = Version;
        return cancellationToken.CanBeCanceled ? cancellationToken.UnsafeRegister(_ => LetGo(version), null) : default;
    }

    private Generation Generate(int[]? prompt, GenerationOptions? options, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        options ??= new GenerationOptions();
        options.Validate();
        Version++;
        return new Generation(this, prompt, options, cancellationToken);
    }

    private static InvalidOperationException NoText() => new("There is no text to go on with: call Prefill first.");

    private void LetGo(int version)
    {
        lock (_scheduler.Gate)
        {
            if (Version != version) return;
            _scheduler.Withdraw(_sequence);
            _sequence.Kv.Truncate(_sequence.Kv.Length); // the room reserved for more
            News.Raise();
        }
    }

    private void Begin(Draft? draft, bool isPrompt)
    {
        _sequence.Priority = _priority;
        if (_sequence.Begin(draft, isPrompt, Stopwatch.GetTimestamp())) _scheduler.Add(_sequence);
    }

    private void Rewind()
    {
        _scheduler.Withdraw(_sequence);
        if (!_sequence.IsPrefilled) _length = Math.Min(_length, _sequence.Reached);
        _sequence.Cut(_length);
        News.Raise(); // for who awaits what has ended
    }

    private bool TryEndPrefill(CancellationToken cancellationToken)
    {
        TakeFailure()?.Throw();
        lock (_scheduler.Gate)
        {
            if (_sequence.IsPrefilled) return true;
        }
        cancellationToken.ThrowIfCancellationRequested();
        return false;
    }

    private ExceptionDispatchInfo? TakeFailure()
    {
        if (_sequence.Failure is null) return null;
        lock (_scheduler.Gate)
        {
            ExceptionDispatchInfo? failure = _sequence.Failure;
            _sequence.Failure = null;
            return failure;
        }
    }
}
