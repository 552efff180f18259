using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// Runs a model on a Vulkan device. Every stage is recorded once at load for each row-count class and submitted again for every step; what
/// differs between steps is in a small parameter buffer.
/// </summary>
public sealed partial class VulkanForwardPass : ForwardPass
{
    private readonly List<IDisposable> _owned = [];
    private readonly int _hostPageCount;
    private ExpertSettings? _experts;
    private readonly ExpertUse _use;
    private readonly IDisposable? _owner;
    private GpuDevice _device;
    private ModelOnDevice _model = null!;
    private KvOrigin _origin = null!;
    private StepRecordings? _recordings;
    private ExpertStore? _store;    // null where all experts are on the device for good
    private HostKvStore _hostPages = null!;
    private StepBatch? _batch;
    private bool _disposed;
    private StepParts _parts;
    private bool _hiddenIsRead;     // of the latest step
    private int _outputCount;
    private SliceRuns _runs = null!;
    private bool _usesClock;

    /// <summary>The shaders of the engine, for <see cref="GpuDevice.Open"/>.</summary>
    public static ShaderLibrary Shaders { get; } = new(typeof(VulkanForwardPass).Assembly);

    /// <inheritdoc/>
    internal override KvOrigin Origin => _origin;

    /// <summary>The device; for tests that look between two stages.</summary>
    internal GpuDevice Device => _device;

    /// <summary>
    /// The residual stream as the next stage finds it: of a step with rows that are not wanted, only the wanted are left from the last
    /// layer's attention on.
    /// </summary>
    internal BufferView Residual => NextStage > _parts.First.StageCount ? _model.Activations.OutputResidual : _model.Activations.Residual;

    /// <summary>What is submitted for a step of so many tokens, of which so many rows are wanted, in order.</summary>
    internal IReadOnlyList<Recording> RecordingsFor(int tokens, int outputs)
    {
        (RecordedPart first, RecordedPart? second) = Recordings.For(tokens, outputs);
        return second is null ? [first.Recording] : [first.Recording, second.Recording];
    }

    /// <summary>What the device is told to do in a step of so many tokens, of which the logits of so many are wanted.</summary>
    public StepCost CostOf(int tokens, int outputs) => StepCost.Of(RecordingsFor(tokens, outputs),
        submissions: 1 + 2 * (_store?.SplitLayers(outputs > 0 ? Config.LayerCount : Config.LayerCount - 1) ?? 0));

    /// <inheritdoc/>
    public override void Begin(StepBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Check(batch);
        TakePageMoves();
        _model.Parameters.Write(batch, Recordings.PlanFor(batch.Count), Recordings.PlanFor(batch.OutputCount));
        _parts = Recordings.For(batch.Count, batch.OutputCount);
        _store?.Forget();
        _batch = batch;
        BeginStages(batch);
    }

    /// <inheritdoc/>
    public override void Run(int stageCount)
    {
        StepBatch batch = _batch ?? throw new InvalidOperationException("Begin a step first.");
        int end = Math.Min(Stages.Count, NextStage + stageCount);
        if (end == NextStage) return;
        if (PagesToMove > 0) MovePages(PagesToMove);
        _runs.Begin();
        while (NextStage < end)
        {
            Stage stage = Stages[NextStage];
            if (_store is not null && stage.Kind == StageKind.Router) RunRouter(stage);
            else if (_store is { HasMisses: true } && stage.Kind is StageKind.GateUp or StageKind.Down) RunExperts(end);
            else
            {
                QueueStage(NextStage++);
                if (stage is { Kind: StageKind.Down, IsLast: true }) _store?.Sum();
            }
        }
        EndSlice();
        if (end == Stages.Count) Complete(batch);
    }

    private void EndSlice()
    {
        _runs.End();
        _store?.Completed();
        RunTime = _runs.Time;
    }

    /// <summary>A router whose choices the host has to see before anybody knows who computes the experts.</summary>
    private void RunRouter(Stage stage)
    {
        bool isWanted = !_parts.IsWhole && stage.Layer == Config.LayerCount - 1;
        int rows = isWanted ? _batch!.OutputCount : _batch!.Count;
        QueueStage(NextStage++);
        if (rows == 0) _store!.Forget();
        else if (_store!.MustLook(stage.Layer))
        {
            _runs.SubmitAndWait();
            _store.Completed();
            _store.Look(stage.Layer, rows);
            // A whole expert fits no frame.
            if (!_usesClock && TokenClasses.Of((uint)rows) == TokenClass.Chunk) RunGuests(stage.Layer, rows);
        }
        else _store.Pass(stage.Layer, rows);
    }

    /// <summary>
    /// Experts of a layer, the next one, that the device computes although it does not keep them: one by one, all stages of each.
    /// </summary>
    private void RunGuests(int layer, int rows)
    {
        int last = NextStage;
        while (Stages[last] is not { Kind: StageKind.Down, IsLast: true }) last++;
        while (_store!.TryBringGuest(layer, rows))
        {
            // The sum over all experts comes later.
            for (int stage = NextStage; stage <= last; stage++) QueueStage(stage, leaveOut: stage == last ? 1 : 0);
            _runs.SubmitAndWait();
            _store.GuestComputed(layer);
        }
    }

    /// <summary>The experts of a layer, up to <paramref name="end"/>: the device works on its own while the processor does.</summary>
    private void RunExperts(int end)
    {
        int first = NextStage, after = first;
        while (after < end && Stages[after].Layer == Stages[first].Layer) after++;
        bool sums = Stages[after - 1] is { Kind: StageKind.Down, IsLast: true }; // in a recorded stage of its own
        if (_store!.HasHits)
            for (int stage = first; stage < after; stage++) QueueStage(stage, leaveOut: sums && stage == after - 1 ? 1 : 0);
        _runs.Submit();
        for (; NextStage < after; NextStage++) _store.Run(Stages[NextStage]);
        if (!sums) return;
        QueueStage(after - 1, only: 1);
        _store.Sum();
    }

    /// <inheritdoc/>
    internal override void UseDeviceClock()
    {
        _usesClock = true;
        _runs.UseDeviceClock();
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<float> Logits(int outputRow)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(outputRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(outputRow, _outputCount);
        ulong rowBytes = (ulong)Config.VocabSize * sizeof(float);
        return _model.Activations.LogitsReadBack.Map<float>((ulong)outputRow * rowBytes, rowBytes);
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<float> Hidden(int outputRow)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(outputRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(outputRow, _outputCount);
        if (NextStage < Stages.Count) throw new InvalidOperationException("The step is not complete.");
        if (!_hiddenIsRead)
        {
            _device.Queue.Wait(_device.Queue.Submit(Recordings.Hidden, 0, 1));
            _model.Activations.HiddenReadBack.Invalidate();
            _hiddenIsRead = true;
        }
        ulong rowBytes = (ulong)Config.Dim * sizeof(float);
        return _model.Activations.HiddenReadBack.Map<float>((ulong)outputRow * rowBytes, rowBytes);
    }

    /// <summary>
    /// Has a stage run in the next submission: all that is recorded of it in either part, but for the last <paramref name="leaveOut"/>, or
    /// the last <paramref name="only"/> recorded stages.
    /// </summary>
    private void QueueStage(int stage, int leaveOut = 0, int only = int.MaxValue)
    {
        int first = _parts.First.StageCount;
        if (stage < first) _runs.Add(_parts.First, stage, leaveOut, only);
        else _runs.Add(_parts.Second!, stage - first, leaveOut, only);
    }

    private void Complete(StepBatch batch)
    {
        _batch = null;
        _outputCount = 0;
        _hiddenIsRead = false;
        GpuBuffer statusBuffer = _model.Activations.StatusReadBack;
        statusBuffer.Invalidate();
        uint status = statusBuffer.Map<uint>()[0];
        if (status != uint.MaxValue) throw new NonFiniteException((int)status - 1, Config.LayerCount);
        if (batch.OutputCount > 0) _model.Activations.LogitsReadBack.Invalidate();
        _outputCount = batch.OutputCount;
        batch.Commit();
    }

    /// <summary>Recorded now where that failed before, for lack of memory.</summary>
    private StepRecordings Recordings => _recordings ??= Record(CancellationToken.None);

    private StepRecordings Record(CancellationToken cancellation) => new(_model, _device, CutOf, MaxBatchTokens, cancellation);

    /// <inheritdoc/>
    protected override void AbandonStep() => _batch = null;

    /// <inheritdoc/>
    // Each submission has been waited for.
    private protected override void OnCut(TokenClass rows, StageCut cut) => _recordings?.Renew(rows, cut);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_disposed) return;
        _disposed = true;
        Release();
        _owner?.Dispose();
    }
}
