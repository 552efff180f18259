using System.Diagnostics;
using System.Runtime.InteropServices;
using MixtralVk.Model;

namespace MixtralVk;

/// <summary>
/// One text in progress: its tokens, and their keys and values on the device. Sessions of one model may be used from different threads at the
/// same time (their steps run one after the other); one session by one thread at a time. After any exception or cancellation the session
/// holds what was computed so far and can be used again.
/// </summary>
public sealed class Session : IDisposable
{
    // A long step stops at these many stages (one layer) to look at the cancellation token; shorter ones run whole.
    private const int StagesBetweenChecks = 4, LongStepTokens = 8;

    private readonly ForwardPass _forward;
    private readonly Lock _stepLock;
    private readonly KvSequence _kv;
    private readonly StepBatch _batch;
    private readonly List<int> _tokens = []; // all but the last ones (sampled, or left by a cancellation) are in _kv
    private readonly float[] _logits;
    private int _reached, _computed; // by the latest Prefill: most tokens the cache has held, and tokens that went through steps
    private bool _logitsAreCurrent, _disposed;

    internal Session(MixtralModel model)
    {
        Model = model;
        _forward = model.ForwardPass;
        _stepLock = model.StepLock;
        _kv = new KvSequence(_forward.Pages, shares: true);
        _batch = new StepBatch(_forward.MaxBatchTokens);
        _logits = new float[_forward.Config.VocabSize];
    }

    /// <summary>The model.</summary>
    public MixtralModel Model { get; }

    /// <summary>The tokens of the text, prompt and generated ones. Valid until the session is used again.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    /// <summary>
    /// A session that goes on from the same text on its own. Nothing is copied: they share what is computed, up to 31 tokens of it are
    /// computed again.
    /// </summary>
    public Session Fork()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var fork = new Session(Model) { _logitsAreCurrent = _logitsAreCurrent };
        fork._tokens.AddRange(_tokens);
        _logits.CopyTo(fork._logits, 0);
        lock (_stepLock) fork._kv.Adopt(Tokens);
        return fork;
    }

    /// <summary>Counts uses, so that a generation notices when its session was used for something else.</summary>
    internal int Version { get; private set; }

    internal GenerationTimings PrefillTimings { get; private set; }

    /// <summary>
    /// Makes the text exactly these tokens and computes what is not computed yet: the longest common beginning with what the session holds is
    /// kept, and what any session has computed of the same beginning, in whole pages of 32 tokens, is shared. Throws
    /// <see cref="ContextOverflowException"/> when they do not fit (nothing changes then), <see cref="TokenRangeException"/>,
    /// <see cref="NonFiniteException"/>, or <see cref="OperationCanceledException"/>.
    /// </summary>
    public void Prefill(ReadOnlySpan<int> tokens, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (tokens.Length > _forward.ContextLength) throw new ContextOverflowException(tokens.Length, _forward.ContextLength);
        long start = Stopwatch.GetTimestamp();
        Version++;
        _computed = 0;
        int common = Tokens.CommonPrefixLength(tokens);
        lock (_stepLock)
        {
            if (common < _kv.Length) _kv.Truncate(common);
            _reached = _kv.Length;
        }
        if (common < Math.Max(_tokens.Count, tokens.Length)) _logitsAreCurrent = false;
        CollectionsMarshal.SetCount(_tokens, common);
        _tokens.AddRange(tokens[common..]);
        try
        {
            if (!_logitsAreCurrent && tokens.Length > 0) Compute(cancellationToken);
        }
        catch
        {
            CollectionsMarshal.SetCount(_tokens, _reached);
            throw;
        }
        PrefillTimings = new GenerationTimings(Math.Max(0, tokens.Length - _computed), _computed, Stopwatch.GetElapsedTime(start), 0, TimeSpan.Zero);
    }

    /// <summary>
    /// Goes on with the text. The tokens appear as the result is enumerated, once; see <see cref="Generation"/> for the asynchronous form and
    /// for how it ended. Cancelling ends the enumeration without an exception.
    /// </summary>
    public Generation Generate(GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_tokens.Count == 0) throw new InvalidOperationException("There is no text to go on with: call Prefill first.");
        options ??= new GenerationOptions();
        options.Validate();
        Version++;
        return new Generation(this, options, cancellationToken);
    }

    /// <summary>Frees the session's part of the KV cache.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Version++;
        lock (_stepLock) _kv.Dispose();
    }

    /// <summary>Logits after the last token.</summary>
    internal ReadOnlySpan<float> Logits(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_logitsAreCurrent) Compute(cancellationToken);
        return _logits;
    }

    /// <summary>Puts a sampled token at the end of the text; false when the context then has no room to compute it.</summary>
    internal bool Append(int token)
    {
        _tokens.Add(token);
        _logitsAreCurrent = false;
        return _tokens.Count <= _forward.ContextLength;
    }

    /// <summary>Computes every token that is not in the KV cache, in chunks, and keeps the last one's logits.</summary>
    private void Compute(CancellationToken cancellationToken)
    {
        while (!_logitsAreCurrent) lock (_stepLock) Step(cancellationToken);
    }

    private void Step(CancellationToken cancellationToken)
    {
        if (_kv.Length == _tokens.Count) _kv.Truncate(_kv.Length - 1); // computed, but its logits are gone
        _kv.Adopt(Tokens[..^1]);
        ReadOnlySpan<int> rest = Tokens[_kv.Length..];
        bool wantLogits = rest.Length <= _batch.Capacity;
        ReadOnlySpan<int> tokens = wantLogits ? rest : rest[.._batch.Capacity];
        int length = _kv.Length;
        try
        {
            _batch.Add(_kv, tokens, wantLogits ? LogitRows.Last : LogitRows.None);
            _forward.Begin(_batch);
            int stages = tokens.Length >= LongStepTokens ? StagesBetweenChecks : _forward.Stages.Count;
            while (_forward.NextStage < _forward.Stages.Count)
            {
                cancellationToken.ThrowIfCancellationRequested();
                _forward.Run(Math.Min(stages, _forward.Stages.Count - _forward.NextStage));
            }
            if (wantLogits) _forward.Logits(0).CopyTo(_logits);
            _logitsAreCurrent = wantLogits;
            _computed += tokens.Length;
        }
        finally
        {
            _batch.Clear();
            if (_kv.Length == length) _kv.Truncate(length); // not committed: gives the reserved pages back
            _reached = Math.Max(_reached, _kv.Length);
        }
    }
}
