using System.Diagnostics;
using System.Runtime.InteropServices;
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
    private readonly IDisposable? _owner;
    private GpuDevice _device;
    private ModelOnDevice _model = null!;
    private readonly List<Recording> _recordings = [];
    private RowClass[] _classes = [];
    private int _lastAttention;     // index of the stage from which on only wanted rows go on: the last layer's attention
    private Recording _status = null!, _hidden = null!;
    private HostKvStore _hostPages = null!;
    private StepBatch? _batch;
    private bool _disposed;
    private Part _first;
    private Part? _second;
    private bool _isWhole, _hiddenIsRead; // of the latest step
    private int _outputCount;
    private readonly StageRun[] _runs = new StageRun[4]; // of one submission: two parts between the clock's ends
    private SliceClock? _clock;
    private bool _usesClock;

    /// <summary>
    /// The recordings of one row-count class: of all tokens, up to the last layer's keys; of the wanted rows from there on; and of a whole step
    /// whose rows are all wanted (decode), where the class is that small.
    /// </summary>
    private sealed record RowClass(uint MaxRows, Recording Tokens, Recording Outputs, Recording? Whole);

    /// <summary>A recording whose stages are those of the model from <paramref name="FirstStage"/> on.</summary>
    private readonly record struct Part(Recording Recording, int FirstStage);

    /// <summary>Most rows of a class that has a recording of whole steps.</summary>
    private const uint MostWholeRows = 16;

    private VulkanForwardPass(ModelSource source, GpuDevice device, MappedTiles? mapped, int contextLength, int maxBatchTokens, KvFormat kvFormat, int pageCount, int hostPageCount,
        Func<GpuWeights, ProductChoices>? choose, IDisposable? owner, IProgress<LoadProgress>? progress, CancellationToken cancellation)
        : base(source.Config, contextLength, maxBatchTokens, kvFormat, pageCount, hostPageCount)
    {
        _device = device;
        _hostPageCount = hostPageCount;
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
        var weights = Own(GpuWeights.Load(_device, source, mapped, progress, cancellation));
        Transfer = weights.Transfer;
        ProductChoices products = choose?.Invoke(weights) ?? ProductChoices.Shipped(_device.Description);
        var scratch = ProductScratch.Of(weights, Config, products, MaxBatchTokens);
        GpuBuffer? parts = scratch.PartBytes > 0 ? Own(_device.CreateBuffer(scratch.PartBytes, BufferUse.Device, "parts of split products")) : null;
        GpuBuffer? quants = scratch.QuantBytes > 0 ? Own(_device.CreateBuffer(scratch.QuantBytes, BufferUse.Device, "rounded activations")) : null;
        _model = new ModelOnDevice(Config, KvFormat, weights, cache, activations, parameters, ropeTable, products, parts, quants);
        FillConstants();
        (_classes, _status, _hidden) = Record(MaxBatchTokens, cancellation);
        if (_usesClock) UseDeviceClock();
    }

    /// <summary>Frees everything on the device, which may be lost; the pass stays, and computes again after <see cref="Rebuild"/>.</summary>
    internal void Release()
    {
        _device.WaitIdle();
        ReleaseRecordings();
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
        new(source, device, null, contextLength, maxBatchTokens, kvFormat, pageCount, 0, choose, owner, progress, cancellation);

    /// <summary>
    /// The same with the matrices in <paramref name="mapped"/> used in place where the device takes them; it belongs to the pass from now on. And with
    /// room for <paramref name="hostPageCount"/> pages of the KV cache in the host's memory.
    /// </summary>
    internal static VulkanForwardPass Load(ModelSource source, GpuDevice device, MappedTiles? mapped, int contextLength, int maxBatchTokens, KvFormat kvFormat,
        int pageCount, int hostPageCount, Func<GpuWeights, ProductChoices>? choose, IProgress<LoadProgress>? progress, CancellationToken cancellation) =>
        new(source, device, mapped, contextLength, maxBatchTokens, kvFormat, pageCount, hostPageCount, choose, null, progress, cancellation);

    /// <summary>The shaders of the engine, for <see cref="GpuDevice.Open"/>.</summary>
    public static ShaderLibrary Shaders { get; } = new(typeof(VulkanForwardPass).Assembly);

    /// <summary>The device; for tests that look between two stages.</summary>
    internal GpuDevice Device => _device;

    /// <summary>
    /// The residual stream as the next stage finds it: of a step with rows that are not wanted, only the wanted are left from the last layer's
    /// attention on.
    /// </summary>
    internal BufferView Residual => !_isWhole && NextStage > _lastAttention ? _model.Activations.OutputResidual : _model.Activations.Residual;

    /// <summary>What is submitted for a step of so many tokens, of which so many rows are wanted, in order.</summary>
    internal IReadOnlyList<Recording> RecordingsFor(int tokens, int outputs)
    {
        (Part first, Part? second, _) = PartsOf(tokens, outputs);
        return second is { } more ? [first.Recording, more.Recording] : [first.Recording];
    }

    /// <summary>What the device is told to do in a step of so many tokens, of which the logits of so many are wanted.</summary>
    public StepCost CostOf(int tokens, int outputs) => StepCost.Of(RecordingsFor(tokens, outputs));

    /// <inheritdoc/>
    public override void Begin(StepBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Check(batch);
        _hostPages.Copy(Pages);
        _model.Parameters.Write(batch, PlanOf(ClassFor(batch.Count).MaxRows), PlanOf(ClassFor(batch.OutputCount).MaxRows));
        (_first, _second, _isWhole) = PartsOf(batch.Count, batch.OutputCount);
        _batch = batch;
        NextStage = 0;
    }

    /// <inheritdoc/>
    public override void Run(int stageCount)
    {
        StepBatch batch = _batch ?? throw new InvalidOperationException("Begin a step first.");
        int end = Math.Min(Stages.Count, NextStage + stageCount);
        if (end == NextStage) return;
        int runs = 0;
        if (_clock is not null) _runs[runs++] = _clock.Begin;
        AddRun(_first, end, ref runs);
        if (_second is { } second) AddRun(second, end, ref runs);
        if (_clock is not null) _runs[runs++] = _clock.End;
        long start = Stopwatch.GetTimestamp();
        _device.Queue.Wait(_device.Queue.Submit(_runs.AsSpan(0, runs)));
        RunTime = _clock?.Time ?? Stopwatch.GetElapsedTime(start);
        NextStage = end;
        if (end == Stages.Count) Complete(batch);
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
            _device.Queue.Wait(_device.Queue.Submit(_hidden, 0, 1));
            _model.Activations.HiddenReadBack.Invalidate();
            _hiddenIsRead = true;
        }
        ulong rowBytes = (ulong)Config.Dim * sizeof(float);
        return _model.Activations.HiddenReadBack.Map<float>((ulong)outputRow * rowBytes, rowBytes);
    }

    /// <summary>The stages of a part from the next one up to <paramref name="end"/>, if it has any of them.</summary>
    private void AddRun(Part part, int end, ref int runs)
    {
        int first = Math.Max(NextStage, part.FirstStage), count = Math.Min(end, part.FirstStage + part.Recording.StageCount) - first;
        if (count > 0) _runs[runs++] = new StageRun(part.Recording, first - part.FirstStage, count);
    }

    /// <summary>What a step consists of. The last layer's attention is a stage of both parts; without wanted rows only the status is left after it.</summary>
    private (Part First, Part? Second, bool IsWhole) PartsOf(int tokens, int outputs)
    {
        RowClass all = ClassFor(tokens);
        if (tokens == outputs && all.Whole is { } whole) return (new Part(whole, 0), null, true);
        Part second = outputs > 0 ? new Part(ClassFor(outputs).Outputs, _lastAttention) : new Part(_status, Stages.Count - 1);
        return (new Part(all.Tokens, 0), second, false);
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

    private AttentionPlan PlanOf(uint maxRows) => AttentionPlan.For(Config, _device.Description, _model.Activations.MaxSplits, maxRows);

    private RowClass ClassFor(int rows)
    {
        foreach (RowClass rowClass in _classes)
            if (rows <= rowClass.MaxRows) return rowClass;
        throw new ArgumentOutOfRangeException(nameof(rows));
    }

    /// <summary>Records every class: first all, so that their pipelines can be made in parallel, then the command buffers.</summary>
    private (RowClass[] Classes, Recording Status, Recording Hidden) Record(int maxBatchTokens, CancellationToken cancellation)
    {
        _lastAttention = Stages.Count - 1;
        while (Stages[_lastAttention].Kind is not (StageKind.Attention or StageKind.Attend)) _lastAttention--;
        var recorders = new List<Recorder>();
        StageRecorder Begin(uint maxRows, RowSet rows, BufferView residual)
        {
            recorders.Add(_device.CreateRecorder());
            return new StageRecorder(_model, recorders[^1], Cut, maxRows, PlanOf(maxRows), rows, residual);
        }
        Activations a = _model.Activations;
        uint[] classes = [.. TokenClasses.Cover((uint)maxBatchTokens)];
        foreach (uint maxRows in classes)
        {
            RecordTokens(Begin(maxRows, _model.Parameters.Tokens, a.Residual));
            RecordOutputs(Begin(maxRows, _model.Parameters.Outputs, a.OutputResidual));
            if (maxRows <= MostWholeRows) RecordWhole(Begin(maxRows, _model.Parameters.Tokens, a.Residual));
        }
        Begin(1, _model.Parameters.Tokens, a.Residual).RecordStatus();
        Begin(1, _model.Parameters.Tokens, a.Residual).RecordHidden();
        _device.PreparePipelines(recorders, cancellation: cancellation);

        int next = 0;
        Recording Finish(string name)
        {
            _recordings.Add(recorders[next++].Finish(name));
            return _recordings[^1];
        }
        RowClass[] finished = [.. classes.Select(maxRows => new RowClass(maxRows, Finish($"up to {maxRows} tokens"), Finish($"up to {maxRows} wanted rows"),
            maxRows <= MostWholeRows ? Finish($"up to {maxRows} tokens, all wanted") : null))];
        return (finished, Finish("status"), Finish("hidden state"));
    }

    /// <summary>The stages up to the last layer's attention, of which it does what all tokens need.</summary>
    private void RecordTokens(StageRecorder recorder)
    {
        for (int i = 0; i < _lastAttention; i++) recorder.Record(Stages[i]);
        if (Stages[_lastAttention].Kind == StageKind.Attention) recorder.RecordKeys(Stages[_lastAttention]);
    }

    /// <summary>The last layer's attention and what follows, for the wanted rows.</summary>
    private void RecordOutputs(StageRecorder recorder)
    {
        recorder.RecordWanted(Stages[_lastAttention]);
        for (int i = _lastAttention + 1; i < Stages.Count; i++) recorder.Record(Stages[i]);
    }

    private void RecordWhole(StageRecorder recorder)
    {
        foreach (Stage stage in Stages) recorder.Record(stage);
    }

    /// <inheritdoc/>
    protected override void OnCut()
    {
        _batch = null;
        ReleaseRecordings(); // each submission has been waited for
        (_classes, _status, _hidden) = Record(MaxBatchTokens, CancellationToken.None);
    }

    private void ReleaseRecordings()
    {
        foreach (Recording recording in _recordings) recording.Dispose();
        _recordings.Clear();
        _classes = [];
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
