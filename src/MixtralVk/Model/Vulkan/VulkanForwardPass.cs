using System.Diagnostics;
using System.Runtime.InteropServices;
using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Loading;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// Runs a model on a Vulkan device. Every stage is recorded once at load for each row-count class and submitted again for every step; what
/// differs between steps is in a small parameter buffer.
/// </summary>
public sealed class VulkanForwardPass : ForwardPass
{
    private readonly List<IDisposable> _owned = [];
    private readonly int _hostPageCount;
    private readonly ExpertSettings? _experts;
    private readonly IDisposable? _owner;
    private GpuDevice _device;
    private ModelOnDevice _model = null!;
    private StepRecordings? _recordings;
    private ExpertStore? _store;    // null where all experts are on the device for good
    private HostKvStore _hostPages = null!;
    private StepBatch? _batch;
    private bool _disposed;
    private StepParts _parts;
    private bool _hiddenIsRead;     // of the latest step
    private int _outputCount;
    private readonly StageRun[] _queued = new StageRun[4]; // of the next submission: two parts between the clock's ends
    private int _queuedCount;
    private SliceClock? _clock;
    private bool _usesClock;

    private VulkanForwardPass(ModelSource source, GpuDevice device, MappedTiles? mapped, int contextLength, int maxBatchTokens, KvFormat kvFormat, int pageCount, int hostPageCount,
        ExpertSettings? experts, Func<GpuWeights, ProductChoices>? choose, IDisposable? owner, IProgress<LoadProgress>? progress, CancellationToken cancellation)
        : base(source.Config, contextLength, maxBatchTokens, kvFormat, pageCount, hostPageCount)
    {
        _device = device;
        _hostPageCount = hostPageCount;
        _experts = source.Config.IsSparse ? experts : null;
        try
        {
            Build(source, mapped, choose, progress, cancellation);
            _owner = owner;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private void Build(ModelSource source, MappedTiles? mapped, Func<GpuWeights, ProductChoices>? choose, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        if (mapped is not null) Own(mapped);
        CheckKernelLimits();
        // Everything small and the KV cache first: what remains of the budget is for weights, and a lack shows before reading them.
        var parameters = Own(new StepParameters(_device, Config, MaxBatchTokens, ContextLength));
        var activations = Own(new Activations(_device, Config, MaxBatchTokens, ContextLength));
        var cache = Own(new GpuKvCache(_device, Config, KvFormat, Pages.PageCount));
        _hostPages = Own(new HostKvStore(_device, cache, Config, KvFormat, Pages.PageCount, _hostPageCount));
        var ropeTable = Own(_device.CreateBuffer((ulong)ContextLength * (ulong)Config.RopeDim * sizeof(float), BufferUse.Device, "rope table"));
        var weights = Own(GpuWeights.Load(_device, source, DeviceChoices.SharesMemory(_device.Description) ? mapped : null, _experts, progress, cancellation));
        Transfer = weights.Transfer;
        _store = weights.ExpertsMove ? Own(new ExpertStore(_device, weights.Experts, source, mapped, MaxBatchTokens, _experts!, progress, cancellation)) : null;
        if (_store is not null) Transfer = Transfer.Plus(_store.Fill(_device, progress, cancellation));
        ProductChoices products = choose?.Invoke(weights) ?? ProductChoices.Shipped(_device.Description);
        var scratch = ProductScratch.Of(weights, Config, products, MaxBatchTokens);
        GpuBuffer? parts = scratch.PartBytes > 0 ? Own(_device.CreateBuffer(scratch.PartBytes, BufferUse.Device, "parts of split products")) : null;
        GpuBuffer? quants = scratch.QuantBytes > 0 ? Own(_device.CreateBuffer(scratch.QuantBytes, BufferUse.Device, "rounded activations")) : null;
        _model = new ModelOnDevice(Config, KvFormat, weights, cache, activations, parameters, ropeTable, products, parts, quants, _store?.Exchange);
        FillConstants();
        _recordings = Record(cancellation);
        if (_usesClock) UseDeviceClock();
    }

    /// <summary>Frees everything on the device, which may be lost; the pass stays, and computes again after <see cref="Rebuild"/>.</summary>
    internal void Release()
    {
        _device.WaitIdle();
        _recordings?.Dispose();
        _recordings = null;
        _queuedCount = 0;
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
        _batch = null;
        _outputCount = 0;
    }

    /// <summary>Loads the model again, onto another device; what the pages held is gone. A failure leaves nothing on the device and may be followed by another try.</summary>
    internal void Rebuild(ModelSource source, GpuDevice device, MappedTiles? mapped, Func<GpuWeights, ProductChoices>? choose)
    {
        _device = device;
        try
        {
            Build(source, mapped, choose, null, CancellationToken.None);
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>
    /// Loads a model onto <paramref name="device"/>, which must outlive the pass.
    /// </summary>
    /// <param name="source">The opened model; may be closed afterwards.</param>
    /// <param name="device">The device.</param>
    /// <param name="contextLength">Longest sequence in tokens.</param>
    /// <param name="maxBatchTokens">Most tokens of one step.</param>
    /// <param name="kvFormat">Storage of keys and values.</param>
    /// <param name="pageCount">Pages of the KV cache, of 32 tokens each.</param>
    /// <param name="progress">Told after each piece of weights, on any thread.</param>
    /// <param name="cancellation">Stops loading and frees everything.</param>
    /// <exception cref="OutOfGpuMemoryException">The model does not fit the budget or the device.</exception>
    public static VulkanForwardPass Load(ModelSource source, GpuDevice device, int contextLength, int maxBatchTokens, KvFormat kvFormat, int pageCount,
        IProgress<LoadProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(device);
        return Load(source, device, contextLength, maxBatchTokens, kvFormat, pageCount, null, null, progress, cancellation);
    }

    /// <summary>
    /// The same with product variants of the caller's choice, made when the weights are on the device (null: the shipped ones), and with
    /// something to dispose after the pass has freed what it has on the device.
    /// </summary>
    internal static VulkanForwardPass Load(ModelSource source, GpuDevice device, int contextLength, int maxBatchTokens, KvFormat kvFormat, int pageCount,
        Func<GpuWeights, ProductChoices>? choose, IDisposable? owner = null, IProgress<LoadProgress>? progress = null, CancellationToken cancellation = default) =>
        new(source, device, null, contextLength, maxBatchTokens, kvFormat, pageCount, 0, null, choose, owner, progress, cancellation);

    /// <summary>
    /// The same with the matrices in <paramref name="mapped"/> used in place where the device takes them; it belongs to the pass from now on. And with
    /// room for <paramref name="hostPageCount"/> pages of the KV cache in the host's memory. With <paramref name="experts"/> the processor computes those that
    /// find no room on the device; null: all must be there.
    /// </summary>
    internal static VulkanForwardPass Load(ModelSource source, GpuDevice device, MappedTiles? mapped, int contextLength, int maxBatchTokens, KvFormat kvFormat,
        int pageCount, int hostPageCount, ExpertSettings? experts, Func<GpuWeights, ProductChoices>? choose, IProgress<LoadProgress>? progress,
        CancellationToken cancellation) =>
        new(source, device, mapped, contextLength, maxBatchTokens, kvFormat, pageCount, hostPageCount, experts, choose, null, progress, cancellation);

    /// <summary>The shaders of the engine, for <see cref="GpuDevice.Open"/>.</summary>
    public static ShaderLibrary Shaders { get; } = new(typeof(VulkanForwardPass).Assembly);

    /// <summary>Experts on the device; null where all are there for good.</summary>
    public int? ResidentExperts => _store?.ResidentCount;

    /// <summary>What the experts of each layer did since loading, where device and processor share them; else empty. A copy; from any thread.</summary>
    public IReadOnlyList<LayerActivity> ExpertActivity => _store?.Activity.Read() ?? [];

    /// <summary>Bytes of the experts that are not on the device.</summary>
    public long ExpertBytesElsewhere => _store is null ? 0 : _model.Weights.Experts.AllBytes - _model.Weights.Experts.SlotBytes;

    /// <summary>The device; for tests that look between two stages.</summary>
    internal GpuDevice Device => _device;

    /// <summary>
    /// The residual stream as the next stage finds it: of a step with rows that are not wanted, only the wanted are left from the last layer's
    /// attention on.
    /// </summary>
    internal BufferView Residual => !_parts.IsWhole && NextStage > _recordings!.LastAttention ? _model.Activations.OutputResidual : _model.Activations.Residual;

    /// <summary>What is submitted for a step of so many tokens, of which so many rows are wanted, in order.</summary>
    internal IReadOnlyList<Recording> RecordingsFor(int tokens, int outputs)
    {
        (RecordedPart first, RecordedPart? second) = _recordings!.For(tokens, outputs);
        return second is null ? [first.Recording] : [first.Recording, second.Recording];
    }

    /// <summary>What the device is told to do in a step of so many tokens, of which the logits of so many are wanted.</summary>
    public StepCost CostOf(int tokens, int outputs) => StepCost.Of(RecordingsFor(tokens, outputs), submissions: 1 + 2 * (_store?.SplitLayers(outputs > 0 ? Config.LayerCount : Config.LayerCount - 1) ?? 0));

    /// <inheritdoc/>
    public override void Begin(StepBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Check(batch);
        _hostPages.Copy(Pages);
        _model.Parameters.Write(batch, _recordings!.PlanFor(batch.Count), _recordings.PlanFor(batch.OutputCount));
        _parts = _recordings.For(batch.Count, batch.OutputCount);
        _store?.Forget();
        _batch = batch;
        NextStage = 0;
    }

    /// <inheritdoc/>
    public override void Run(int stageCount)
    {
        StepBatch batch = _batch ?? throw new InvalidOperationException("Begin a step first.");
        int end = Math.Min(Stages.Count, NextStage + stageCount);
        if (end == NextStage) return;
        long start = Stopwatch.GetTimestamp();
        if (_clock is not null) Queue(_clock.Begin);
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
        if (_clock is not null) Queue(_clock.End);
        SubmitAndWait();
        RunTime = _clock?.Time ?? Stopwatch.GetElapsedTime(start);
        if (end == Stages.Count) Complete(batch);
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
            SubmitAndWait();
            _store.Look(stage.Layer, rows);
        }
        else _store.Pass(stage.Layer, rows);
    }

    /// <summary>The experts of a layer, up to <paramref name="end"/>: the device works on its own while the processor does.</summary>
    private void RunExperts(int end)
    {
        int first = NextStage, after = first;
        while (after < end && Stages[after].Layer == Stages[first].Layer) after++;
        bool sums = Stages[after - 1] is { Kind: StageKind.Down, IsLast: true }; // in a recorded stage of its own
        if (_store!.HasHits)
            for (int stage = first; stage < after; stage++) QueueStage(stage, leaveOut: sums && stage == after - 1 ? 1 : 0);
        Submit();
        for (; NextStage < after; NextStage++) _store.Run(Stages[NextStage]);
        if (!sums) return;
        QueueStage(after - 1, only: 1);
        _store.Sum();
    }

    /// <inheritdoc/>
    internal override void UseDeviceClock()
    {
        _usesClock = true;
        _clock = _device.HasTimestamps ? Own(new SliceClock(_device)) : null;
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
            _device.Queue.Wait(_device.Queue.Submit(_recordings!.Hidden, 0, 1));
            _model.Activations.HiddenReadBack.Invalidate();
            _hiddenIsRead = true;
        }
        ulong rowBytes = (ulong)Config.Dim * sizeof(float);
        return _model.Activations.HiddenReadBack.Map<float>((ulong)outputRow * rowBytes, rowBytes);
    }

    /// <summary>
    /// Has a stage run in the next submission: all that is recorded of it in either part, but for the last <paramref name="leaveOut"/>, or the last
    /// <paramref name="only"/> recorded stages.
    /// </summary>
    private void QueueStage(int stage, int leaveOut = 0, int only = int.MaxValue)
    {
        Add(_parts.First);
        if (_parts.Second is { } second) Add(second);

        void Add(RecordedPart part)
        {
            (int first, int end) = part.Of(stage);
            end -= leaveOut;
            first = Math.Max(first, end - only);
            if (first < end) Queue(new StageRun(part.Recording, first, end - first));
        }
    }

    private void Queue(StageRun run)
    {
        if (_queuedCount > 0 && _queued[_queuedCount - 1] is var last && last.Recording == run.Recording && last.FirstStage + last.StageCount == run.FirstStage)
            _queued[_queuedCount - 1] = last with { StageCount = last.StageCount + run.StageCount };
        else _queued[_queuedCount++] = run;
    }

    /// <summary>Hands over what is queued; the ticket of the latest submission.</summary>
    private ulong Submit()
    {
        int count = _queuedCount;
        _queuedCount = 0;
        return count == 0 ? _device.Queue.Submitted : _device.Queue.Submit(_queued.AsSpan(0, count));
    }

    private void SubmitAndWait()
    {
        _device.Queue.Wait(Submit());
        _store?.Completed();
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

    private StepRecordings Record(CancellationToken cancellation) => new(_model, _device, Stages, Cut, MaxBatchTokens, cancellation);

    /// <inheritdoc/>
    protected override void OnCut()
    {
        _batch = null;
        _recordings?.Dispose(); // each submission has been waited for
        _recordings = null;
        _recordings = Record(CancellationToken.None);
    }

    /// <summary>The RoPE table; and for a dense block the choice that never changes: expert 0 with weight 1.</summary>
    private void FillConstants()
    {
        Activations a = _model.Activations;
        using var uploader = new WeightUploader(_device);
        uploader.Run(
        [
            new Upload(_model.RopeTable.View, bytes => RopeTable.Fill(Config, MemoryMarshal.Cast<byte, float>(bytes)), "rope table"),
            new Upload(a.ExpertIds, bytes => bytes.Clear(), "expert ids"),
            new Upload(a.ExpertWeights, bytes => MemoryMarshal.Cast<byte, float>(bytes).Fill(1), "expert weights"),
        ], null, CancellationToken.None);
    }

    private void CheckKernelLimits()
    {
        if (Config.ExpertCount > RouterTopK.MaxExperts) throw new GpuModelException($"The model has {Config.ExpertCount} experts per layer; at most {RouterTopK.MaxExperts} are supported on the GPU.");
        if (Config.HeadDim > AttentionSplit.SplitKeys) throw new GpuModelException($"The model's heads are {Config.HeadDim} long; at most {AttentionSplit.SplitKeys} are supported on the GPU.");
    }

    private T Own<T>(T resource) where T : IDisposable
    {
        _owned.Add(resource);
        return resource;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_disposed) return;
        _disposed = true;
        Release();
        _owner?.Dispose();
    }

}
