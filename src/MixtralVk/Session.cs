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
    private bool _logitsAreCurrent, _disposed;

    internal Session(MixtralModel model)
    {
        Model = model;
        _forward = model.ForwardPass;
        _stepLock = model.StepLock;
        _kv = new KvSequence(_forward.Pages);
        _batch = new StepBatch(_forward.MaxBatchTokens);
        _logits = new float[_forward.Config.VocabSize];
    }

    /// <summary>The model.</summary>
    public MixtralModel Model { get; }

    /// <summary>The tokens of the text, prompt and generated ones. Valid until the session is used again.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    /// <summary>Counts uses, so that a generation notices when its session was used for something else.</summary>
    internal int Version { get; private set; }

    internal GenerationTimings PrefillTimings { get; private set; }

    /// <summary>
    /// Makes the text exactly these tokens and computes what is not computed yet: of what the session holds, the longest common beginning
    /// is kept. Throws <see cref="ContextOverflowException"/> when they do not fit (nothing changes then), <see cref="TokenRangeException"/>,
    /// <see cref="NonFiniteException"/>, or <see cref="OperationCanceledException"/>.
    /// </summary>
    public void Prefill(ReadOnlySpan<int> tokens, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (tokens.Length > _forward.ContextLength) throw new ContextOverflowException(tokens.Length, _forward.ContextLength);
        long start = Stopwatch.GetTimestamp();
        Version++;
        int kept = Tokens[.._kv.Length].CommonPrefixLength(tokens);
        if (kept == tokens.Length && (!_logitsAreCurrent || tokens.Length < _kv.Length)) kept = Math.Max(0, kept - 1); // its logits are wanted
        lock (_stepLock)
        {
            int available = _kv.Pages.Length + _forward.Pages.FreeCount;
            if (KvPages.PagesFor(tokens.Length) > available) throw new ContextOverflowException(tokens.Length, available * KvPages.PageTokens);
            _kv.Truncate(kept);
        }
        CollectionsMarshal.SetCount(_tokens, kept);
        _tokens.AddRange(tokens[kept..]);
        try
        {
            if (kept < tokens.Length) Compute(cancellationToken);
        }
        finally
        {
            CollectionsMarshal.SetCount(_tokens, _kv.Length);
        }
        PrefillTimings = new GenerationTimings(kept, tokens.Length - kept, Stopwatch.GetElapsedTime(start), 0, TimeSpan.Zero);
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
        if (_tokens.Count > _forward.ContextLength) return false;
        lock (_stepLock)
        {
            int pages = KvPages.PagesFor(_tokens.Count) - _kv.Pages.Length;
            if (pages > _forward.Pages.FreeCount) return false;
            _kv.Reserve(_tokens.Count);
            return true;
        }
    }

    /// <summary>Computes every token that is not in the KV cache yet, in chunks, and keeps the last one's logits.</summary>
    private void Compute(CancellationToken cancellationToken)
    {
        _logitsAreCurrent = false;
        if (_kv.Length == _tokens.Count) lock (_stepLock) _kv.Truncate(_kv.Length - 1); // computed, but its logits are gone
        while (_kv.Length < _tokens.Count)
        {
            ReadOnlySpan<int> rest = Tokens[_kv.Length..];
            bool last = rest.Length <= _batch.Capacity;
            lock (_stepLock) Step(last ? rest : rest[.._batch.Capacity], last, cancellationToken);
        }
        _logitsAreCurrent = true;
    }

    private void Step(ReadOnlySpan<int> tokens, bool wantLogits, CancellationToken cancellationToken)
    {
        int length = _kv.Length;
        try
        {
            _batch.Clear();
            _batch.Add(_kv, tokens, wantLogits ? LogitRows.Last : LogitRows.None);
            _forward.Begin(_batch);
            int stages = tokens.Length >= LongStepTokens ? StagesBetweenChecks : _forward.Stages.Count;
            while (_forward.NextStage < _forward.Stages.Count)
            {
                cancellationToken.ThrowIfCancellationRequested();
                _forward.Run(Math.Min(stages, _forward.Stages.Count - _forward.NextStage));
            }
            if (wantLogits) _forward.Logits(0).CopyTo(_logits);
        }
        finally
        {
            if (_kv.Length == length) _kv.Truncate(length); // not committed: gives the reserved pages back
        }
    }
}
