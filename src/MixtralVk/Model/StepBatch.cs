namespace MixtralVk.Model;

/// <summary>
/// The tokens of one forward step: one token each of several sequences (decode), a chunk of one sequence (prefill), or a mix.
/// Worked example, a chunk of sequence A at length 5 beside one token of sequence B at length 9, logits wanted of the last of each:
/// <code>
/// batch.Add(A, [17, 4, 99], wantLogits: LogitRows.Last); batch.Add(B, [3], LogitRows.Last);
/// Tokens    = 17 4 99 3
/// Positions =  5 6  7 9
/// Owners    =  0 0  0 1      // index into Sequences = A B
/// OutputRows = 2 3           // index into Tokens
/// </code>
/// Reused from step to step without allocating. Not thread-safe, but for sequences that leave while the step runs on another thread.
/// </summary>
public sealed class StepBatch
{
    private readonly int[] _tokens, _positions, _owners, _outputRows;
    private readonly List<KvSequence> _sequences = [];
    private readonly bool[] _dropped;
    private readonly Lock _gate;
    private int _live;

    /// <summary>Makes an empty batch with room for <paramref name="maxTokens"/> tokens.</summary>
    public StepBatch(int maxTokens)
        : this(maxTokens, new Lock())
    {
    }

    /// <summary>
    /// The same where sequences may leave (<see cref="Drop"/>) and their pages change hands while a step runs, under a lock that
    /// <see cref="Commit"/> then takes.
    /// </summary>
    internal StepBatch(int maxTokens, Lock gate)
    {
        _gate = gate;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxTokens);
        _tokens = new int[maxTokens];
        _positions = new int[maxTokens];
        _owners = new int[maxTokens];
        _outputRows = new int[maxTokens];
        _dropped = new bool[maxTokens];
    }

    /// <summary>Most tokens the batch can hold.</summary>
    public int Capacity => _tokens.Length;

    /// <summary>Tokens in the batch.</summary>
    public int Count { get; private set; }

    /// <summary>Rows of logits wanted.</summary>
    public int OutputCount { get; private set; }

    /// <summary>Token ids.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    /// <summary>Position of each token in its sequence.</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, Count);

    /// <summary>Index into <see cref="Sequences"/> of each token.</summary>
    public ReadOnlySpan<int> Owners => _owners.AsSpan(0, Count);

    /// <summary>Indices into <see cref="Tokens"/> of the tokens whose logits are wanted, ascending.</summary>
    public ReadOnlySpan<int> OutputRows => _outputRows.AsSpan(0, OutputCount);

    /// <summary>The sequences, in the order they were added.</summary>
    public IReadOnlyList<KvSequence> Sequences => _sequences;

    /// <summary>True when every sequence has left: nobody wants the step's results.</summary>
    internal bool IsAbandoned => Volatile.Read(ref _live) == 0;

    /// <summary>
    /// Appends tokens that follow what the sequence holds (a sequence is added at most once per batch) and reserves their room in the KV
    /// cache, where need be at the cost of sequences in no step. Throws <see cref="ContextOverflowException"/> when they do not fit beside
    /// those in steps; the batch is then as it was.
    /// </summary>
    public void Add(KvSequence sequence, ReadOnlySpan<int> tokens, LogitRows wantLogits)
    {
        ArgumentOutOfRangeException.ThrowIfZero(tokens.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Count + tokens.Length, Capacity);
        if (_sequences.Contains(sequence)) throw new ArgumentException("The sequence is in the batch already.", nameof(sequence));
        sequence.Reserve(sequence.Length + tokens.Length);
        sequence.BeginStep();
        for (int i = 0; i < tokens.Length; i++)
        {
            if (wantLogits == LogitRows.All || wantLogits == LogitRows.Last && i == tokens.Length - 1) _outputRows[OutputCount++] = Count;
            _tokens[Count] = tokens[i];
            _positions[Count] = sequence.Length + i;
            _owners[Count++] = _sequences.Count;
        }
        _dropped[_sequences.Count] = false;
        _sequences.Add(sequence);
        _live++;
    }

    /// <summary>Counts the batch's tokens as stored in the sequences that have not left; called once when the step has finished.</summary>
    public void Commit()
    {
        lock (_gate)
        {
            for (int s = 0, first = 0; s < _sequences.Count; s++)
            {
                int count = Owners.Count(s);
                if (!_dropped[s]) _sequences[s].Advance(Tokens.Slice(first, count));
                first += count;
            }
        }
    }

    /// <summary>
    /// Takes a sequence out while the step runs, under the lock: its rows are computed to the end, but not counted as stored, so that its
    /// owner may use it at once. The step may still write its last pages: whoever takes these must write them in a later step only.
    /// </summary>
    internal void Drop(KvSequence sequence)
    {
        int index = _sequences.IndexOf(sequence);
        if (index < 0 || _dropped[index]) return;
        _dropped[index] = true;
        _live--;
    }

    /// <summary>True when the n-th sequence has left; under the lock.</summary>
    internal bool HasLeft(int sequence) => _dropped[sequence];

    /// <summary>Empties the batch: its sequences are free for other steps, and may lose their pages to them.</summary>
    public void Clear()
    {
        Count = OutputCount = _live = 0;
        foreach (KvSequence sequence in _sequences) sequence.EndStep();
        _sequences.Clear();
    }
}

/// <summary>Which of a sequence's tokens in a step give logits.</summary>
public enum LogitRows
{
    /// <summary>None: an inner chunk of a prefill.</summary>
    None,
    /// <summary>The last one.</summary>
    Last,
    /// <summary>Every one.</summary>
    All,
}
