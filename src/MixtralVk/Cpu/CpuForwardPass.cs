using MixtralVk.Cpu.Bytes;
using System.Diagnostics;
using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>
/// Runs a model on the processor alone: managed code over the row-tile layout, no Vulkan. Every output is summed in one fixed order, so prefill equals decode, chunked equals whole and batched equals alone, bit for bit, with any thread count.
/// </summary>
public sealed unsafe class CpuForwardPass : ForwardPass
{
    private readonly CpuWeights _weights;
    private readonly CpuActivations _activations;
    private readonly WorkerThreads _threads;
    private StepBatch? _batch;
    private int _rows, _tileCount, _wantedTileCount;
    private int* _positions;
    private QueryTile* _tiles;
    private bool _disposed;

    private CpuForwardPass(CpuWeights weights, CpuActivations activations, WorkerThreads threads, int contextLength, int maxBatchTokens,
        KvFormat kv, int pageCount)
        : base(weights.Config, contextLength, maxBatchTokens, kv, pageCount)
    {
        (_weights, _activations, _threads) = (weights, activations, threads);
        Transfer = weights.Transfer;
    }

    /// <summary>Reads all weights of a model into main memory.</summary>
    /// <param name="source">The opened model; not needed any more afterwards.</param>
    /// <param name="contextLength">Longest sequence in tokens.</param>
    /// <param name="maxBatchTokens">Most tokens of one step.</param>
    /// <param name="kv">Storage of keys and values.</param>
    /// <param name="pageCount">Pages of the KV cache, 32 tokens each, for all sequences together.</param>
    /// <param name="cpu">Threads and arithmetic.</param>
    /// <param name="progress">Told after each part; may be called from several threads, one at a time.</param>
    /// <param name="cancellation">Ends loading with <see cref="OperationCanceledException"/>; nothing stays allocated.</param>
    /// <exception cref="HostMemoryException">The weights, the cache or the activations do not fit main memory.</exception>
    /// <exception cref="ModelFileException">The file cannot be read.</exception>
    public static CpuForwardPass Load(ModelSource source, int contextLength, int maxBatchTokens, KvFormat kv, int pageCount, CpuOptions cpu,
        IProgress<LoadProgress>? progress, CancellationToken cancellation) =>
        Load(source, null, contextLength, maxBatchTokens, kv, pageCount, cpu, progress, cancellation);

    /// <summary>The same with the matrices in <paramref name="mapped"/> used in place; it belongs to the pass from now on, also when loading fails.</summary>
    internal static CpuForwardPass Load(ModelSource source, MappedTiles? mapped, int contextLength, int maxBatchTokens, KvFormat kv, int pageCount,
        CpuOptions cpu, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(contextLength);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBatchTokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pageCount);
        ArgumentOutOfRangeException.ThrowIfNegative(cpu.Threads);
        int threads = cpu.Threads == 0 ? Environment.ProcessorCount : cpu.Threads;
        CpuActivations? activations = null;
        CpuWeights? weights = null;
        WorkerThreads? workers = null;
        try
        {
            activations = new CpuActivations(source.Config, contextLength, maxBatchTokens, kv, pageCount, threads, cpu.Arithmetic);
            weights = new CpuWeights(source, mapped, threads, progress, cancellation);
            workers = new WorkerThreads(threads, cpu.Priority, cpu.Affinity);
            return new CpuForwardPass(weights, activations, workers, contextLength, maxBatchTokens, kv, pageCount);
        }
        catch
        {
            workers?.Dispose();
            weights?.Dispose();
            mapped?.Dispose();
            activations?.Dispose();
            throw;
        }
    }

    /// <summary>Residual stream (rows, dim) between stages: a test may replace it to feed a layer.</summary>
    internal Span<float> Residual => new(_activations.Residual, _rows * Config.Dim);

    /// <summary>Told what every matrix is multiplied with; null observes nothing.</summary>
    internal IMatrixInputs? Observer { get; set; }

    /// <summary>
    /// What the latest <see cref="StageKind.Router"/> stage chose, (rows, experts per token), the heaviest expert first; valid until the next
    /// stage runs. Rows are the tokens of the step, in the last layer those whose logits are wanted. Empty for a dense model.
    /// </summary>
    public ReadOnlySpan<int> ChosenExperts => new(_activations.RouterIds, _rows * Config.ExpertsPerToken);

    /// <inheritdoc/>
    public override void Begin(StepBatch batch)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Check(batch);
        CpuActivations a = _activations;
        batch.Tokens.CopyTo(new Span<int>(a.Tokens, batch.Count));
        batch.Positions.CopyTo(new Span<int>(a.Positions, batch.Count));
        FillPages(batch);
        for (int i = 0; i < batch.OutputCount; i++) a.WantedPositions[i] = batch.Positions[batch.OutputRows[i]];
        *a.Status = StepStatus.Clean;
        _batch = batch;
        _rows = batch.Count;
        _positions = a.Positions;
        _tiles = a.Tiles;
        NextStage = 0;
    }

    /// <inheritdoc/>
    public override void Run(int stageCount)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_batch is null) throw new InvalidOperationException("No step is in progress; call Begin first.");
        long start = Stopwatch.GetTimestamp();
        for (; stageCount > 0 && NextStage < Stages.Count; stageCount--) RunStage(Stages[NextStage++]);
        RunTime = Stopwatch.GetElapsedTime(start);
        if (NextStage < Stages.Count) return;
        StepBatch batch = _batch;
        _batch = null;
        if (*_activations.Status != StepStatus.Clean) throw new NonFiniteException(*_activations.Status, Config.LayerCount);
        batch.Commit();
    }

    /// <inheritdoc/>
    protected override void OnCut() => _batch = null;

    /// <inheritdoc/>
    public override ReadOnlySpan<float> Logits(int outputRow)
    {
        CheckOutput(outputRow);
        return new ReadOnlySpan<float>(_activations.Logits + (long)outputRow * Config.VocabSize, Config.VocabSize);
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<float> Hidden(int outputRow)
    {
        CheckOutput(outputRow);
        return new ReadOnlySpan<float>(_activations.Normed.FloatsOf(outputRow), Config.Dim);
    }

    private void CheckOutput(int outputRow)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (NextStage < Stages.Count) throw new InvalidOperationException("The step is not complete.");
        ArgumentOutOfRangeException.ThrowIfNegative(outputRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(outputRow, _rows);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_disposed || !disposing) return;
        _disposed = true;
        _threads.Dispose();
        _activations.Dispose();
        _weights.Dispose();
    }

    private void RunStage(Stage stage)
    {
        CpuActivations a = _activations;
        if (stage.Kind == StageKind.Embedding) EmbeddingRows.Run(_threads, _weights.Embedding, a.Tokens, _rows, a.Residual, a.Status);
        else if (stage.Kind == StageKind.Head) Head(stage);
        else
        {
            ref readonly CpuLayer layer = ref _weights.Layers[stage.Layer];
            switch (stage.Kind)
            {
                case StageKind.Attention:
                    KeysValues(layer, stage);
                    StoreKeys(stage.Layer);
                    Queries(layer, stage);
                    Attend(stage.Layer);
                    AttentionOutput(layer, stage);
                    break;
                case StageKind.QueryKeyValue:
                    KeysValues(layer, stage);
                    Queries(layer, stage);
                    break;
                case StageKind.Attend:
                    StoreKeys(stage.Layer);
                    Attend(stage.Layer);
                    break;
                case StageKind.AttentionOutput: AttentionOutput(layer, stage); break;
                case StageKind.Router: Router(layer, stage.Layer); break;
                case StageKind.GateUp: GateUp(layer, stage); break;
                case StageKind.Down: Down(layer, stage); break;
            }
        }
    }

    private void KeysValues(in CpuLayer layer, Stage stage)
    {
        CpuActivations a = _activations;
        if (stage.IsFirst)
        {
            // What the first norm of a layer finds was made by the layer before.
            RmsNorm.Run(_threads, a.Residual, _rows, Config.Dim, layer.AttentionNorm, Config.RmsEpsilon, a.Normed.Floats, a.Status, stage.Layer - 1);
            QuantizeRows.Run(_threads, a.Normed, _rows);
            ObserveRows(MatrixRole.Query, stage.Layer, a.Normed);
        }
        MatMul.Run(_threads, layer.Key, a.Normed, _rows, a.Key, part: stage.Part, parts: stage.Parts);
        MatMul.Run(_threads, layer.Value, a.Normed, _rows, a.Value, part: stage.Part, parts: stage.Parts);
    }

    private void StoreKeys(int layer)
    {
        CpuActivations a = _activations;
        Rope.Run(_threads, a.Key, _rows, Config.KvHeadCount, Config.HeadDim, Config.RopeDim, a.RopeTable, _positions);
        KvWrite.Run(_threads, a.Key, a.Value, _rows, a.Cache, layer, a.Pages, _positions, a.Status);
        if (layer == Config.LayerCount - 1) KeepWantedRows();
    }

    private void Queries(in CpuLayer layer, Stage stage) =>
        MatMul.Run(_threads, layer.Query, _activations.Normed, _rows, _activations.Query, part: stage.Part, parts: stage.Parts);

    private void Attend(int layer)
    {
        CpuActivations a = _activations;
        Rope.Run(_threads, a.Query, _rows, Config.HeadCount, Config.HeadDim, Config.RopeDim, a.RopeTable, _positions);
        Attention.Run(_threads, a.Query, Config.HeadCount, _tiles, _tileCount, _positions, a.PageTable, a.Cache, layer, a.Scratch,
            a.ScratchFloats, a.Attended.Floats);
        QuantizeRows.Run(_threads, a.Attended, _rows);
    }

    private void AttentionOutput(in CpuLayer layer, Stage stage)
    {
        CpuActivations a = _activations;
        if (stage.IsFirst) ObserveRows(MatrixRole.AttentionOutput, stage.Layer, a.Attended);
        MatMul.Run(_threads, layer.AttentionOutput, a.Attended, _rows, a.Residual, accumulate: true, stage.Part, stage.Parts);
        if (!stage.IsLast) return;
        RmsNorm.Run(_threads, a.Residual, _rows, Config.Dim, layer.FeedForwardNorm, Config.RmsEpsilon, a.Normed.Floats, a.Status, stage.Layer);
        QuantizeRows.Run(_threads, a.Normed, _rows);
        if (!Config.IsSparse) GroupTokens.Dense(_rows, ref a.Groups);
    }

    private void Router(in CpuLayer layer, int index)
    {
        CpuActivations a = _activations;
        RouterTopK.Run(_threads, a.Normed.Floats, _rows, layer.Router, Config.ExpertCount, Config.Dim, Config.ExpertsPerToken, a.RouterLogits,
            a.RouterIds, a.RouterWeights, a.Status, index);
        GroupTokens.Run(ChosenExperts, Config.ExpertCount, ref a.Groups);
    }

    private void GateUp(in CpuLayer layer, Stage stage)
    {
        CpuActivations a = _activations;
        if (stage.IsFirst) ObserveExperts(MatrixRole.GateProj, stage.Layer, a.Normed, a.Groups.TopK);
        ExpertGateUp.Run(_threads, layer.Experts.Gate, layer.Experts.Up, a.Groups, a.Normed, a.Hidden.Floats, stage.Part, stage.Parts);
        if (stage.IsLast) QuantizeRows.Run(_threads, a.Hidden, _rows * a.Groups.TopK);
    }

    private void Down(in CpuLayer layer, Stage stage)
    {
        CpuActivations a = _activations;
        if (stage.IsFirst) ObserveExperts(MatrixRole.DownProj, stage.Layer, a.Hidden, entriesPerRow: 1);
        ExpertDown.Run(_threads, layer.Experts.Down, a.Groups, a.Hidden, a.ExpertOutputs, stage.Part, stage.Parts);
        if (!stage.IsLast) return;
        if (!Config.IsSparse) new Span<float>(a.RouterWeights, _rows).Fill(1);
        CombineExperts.Run(_threads, a.ExpertOutputs, a.RouterWeights, _rows, a.Groups.TopK, Config.Dim, a.Residual);
    }

    private void Head(Stage stage)
    {
        CpuActivations a = _activations;
        if (stage.IsFirst)
        {
            RmsNorm.Run(_threads, a.Residual, _rows, Config.Dim, _weights.OutputNorm, Config.RmsEpsilon, a.Normed.Floats, a.Status, Config.LayerCount - 1);
            QuantizeRows.Run(_threads, a.Normed, _rows);
            ObserveRows(MatrixRole.Output, 0, a.Normed);
        }
        MatMul.Run(_threads, _weights.Output, a.Normed, _rows, a.Logits, part: stage.Part, parts: stage.Parts);
        for (int row = 0; stage.IsLast && row < _rows; row++)
            if (!Lanes.AllFinite(a.Logits + (long)row * Config.VocabSize, Config.VocabSize)) StepStatus.Report(a.Status, Config.LayerCount);
    }

    private void ObserveRows(MatrixRole role, int layer, in ProductInput input)
    {
        for (int row = 0; Observer is not null && row < _rows; row++) Observer.Observe(role, layer, 0, new ReadOnlySpan<float>(input.FloatsOf(row), input.Cols));
    }

    /// <summary>The rows each expert gets; an entry (token, slot) has the input row entry / <paramref name="entriesPerRow"/>.</summary>
    private void ObserveExperts(MatrixRole role, int layer, in ProductInput input, int entriesPerRow)
    {
        if (Observer is null) return;
        ref ExpertGroups groups = ref _activations.Groups;
        for (int active = 0; active < groups.ActiveCount; active++)
        {
            int expert = groups.Active[active];
            for (int i = 0; i < groups.Counts[expert]; i++)
            {
                int row = groups.Entries[groups.Offsets[expert] + i] / entriesPerRow;
                Observer.Observe(role, layer, expert, new ReadOnlySpan<float>(input.FloatsOf(row), input.Cols));
            }
        }
    }

    /// <summary>In the last layer only rows whose logits are wanted go on, once the keys and values of all are written; queries may be there already.</summary>
    private void KeepWantedRows()
    {
        CpuActivations a = _activations;
        ReadOnlySpan<int> wanted = _batch!.OutputRows;
        for (int i = 0; i < wanted.Length; i++)
        {
            Row(a.Residual, wanted[i], Config.Dim).CopyTo(Row(a.Residual, i, Config.Dim));
            Row(a.Normed.Floats, wanted[i], Config.Dim).CopyTo(Row(a.Normed.Floats, i, Config.Dim));
            Row(a.Query, wanted[i], Config.QueryDim).CopyTo(Row(a.Query, i, Config.QueryDim));
        }
        _rows = wanted.Length;
        _positions = a.WantedPositions;
        _tiles = a.WantedTiles;
        _tileCount = _wantedTileCount;
        QuantizeRows.Run(_threads, a.Normed, _rows);

        static Span<float> Row(float* matrix, int row, int length) => new(matrix + (long)row * length, length);
    }

    /// <summary>Lays out the page table, each token's page and the query tiles of all rows and of the wanted ones.</summary>
    private void FillPages(StepBatch batch)
    {
        CpuActivations a = _activations;
        ReadOnlySpan<int> owners = batch.Owners, positions = batch.Positions;
        int row = 0, wanted = 0, table = 0;
        _tileCount = _wantedTileCount = 0;
        for (int sequence = 0; sequence < batch.Sequences.Count; sequence++)
        {
            int firstRow = row, firstWanted = wanted;
            while (row < batch.Count && owners[row] == sequence) row++;
            while (wanted < batch.OutputCount && batch.OutputRows[wanted] < row) wanted++;
            int pages = positions[row - 1] / KvPages.PageTokens + 1;
            ReadOnlySpan<int> owned = batch.Sequences[sequence].Pages[..pages];
            foreach (int page in owned)
                if ((uint)page >= (uint)Pages.PageCount)
                    throw new ArgumentException("A sequence of the batch belongs to another cache.", nameof(batch));
            owned.CopyTo(new Span<int>(a.PageTable + table, pages));
            for (int i = firstRow; i < row; i++) a.Pages[i] = owned[positions[i] / KvPages.PageTokens];
            AddTiles(a.Tiles, ref _tileCount, firstRow, row, table);
            AddTiles(a.WantedTiles, ref _wantedTileCount, firstWanted, wanted, table);
            table += pages;
        }
    }

    private static void AddTiles(QueryTile* tiles, ref int count, int first, int end, int pageTable)
    {
        for (; first < end; first += QueryTile.MaxRows)
            tiles[count++] = new QueryTile { FirstRow = first, Rows = Math.Min(QueryTile.MaxRows, end - first), PageTable = pageTable };
    }
}
