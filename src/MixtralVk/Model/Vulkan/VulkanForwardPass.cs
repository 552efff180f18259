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
    private readonly GpuDevice _device;
    private readonly List<IDisposable> _owned = [];
    private readonly ModelOnDevice _model;
    private readonly RowClass[] _classes;
    private readonly Recording _status;
    private readonly IDisposable? _owner;
    private StepBatch? _batch;
    private bool _disposed;
    private RowClass _tokens, _outputs;
    private int _outputCount;

    /// <summary>The recordings of one row-count class: of all tokens, up to the last layer's keys, and of the wanted rows from there on.</summary>
    private readonly record struct RowClass(uint MaxRows, Recording Tokens, Recording Outputs);

    private VulkanForwardPass(ModelSource source, GpuDevice device, int contextLength, int maxBatchTokens, KvFormat kvFormat, int pageCount,
        ProductChoices? products, IDisposable? owner, IProgress<LoadProgress>? progress, CancellationToken cancellation)
        : base(source.Config, contextLength, maxBatchTokens, kvFormat, pageCount)
    {
        _device = device;
        CheckKernelLimits();
        try
        {
            // Everything small and the KV cache first: what remains of the budget is for weights, and a lack shows before reading them.
            var parameters = Own(new StepParameters(device, Config, maxBatchTokens, contextLength));
            var activations = Own(new Activations(device, Config, maxBatchTokens, contextLength));
            var cache = Own(new GpuKvCache(device, Config, kvFormat, pageCount));
            var ropeTable = Own(device.CreateBuffer((ulong)contextLength * (ulong)Config.RopeDim * sizeof(float), BufferUse.Device, "rope table"));
            var weights = Own(GpuWeights.Load(device, source, progress, cancellation));
            _model = new ModelOnDevice(Config, kvFormat, weights, cache, activations, parameters, ropeTable,
                products ?? ProductChoices.Shipped(device.Description with { Limits = device.Limits }));
            FillConstants();
            _classes = Record(maxBatchTokens, cancellation);
            Recorder status = device.CreateRecorder();
            StageRecorder.Status(status, activations);
            _status = Own(status.Finish("status"));
            _owner = owner;
        }
        catch
        {
            Dispose();
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
    /// The same with product variants of the caller's choice (null: the shipped ones), and with something to dispose after the pass has freed
    /// what it has on the device.
    /// </summary>
    internal static VulkanForwardPass Load(ModelSource source, GpuDevice device, int contextLength, int maxBatchTokens, KvFormat kvFormat, int pageCount,
        ProductChoices? products, IDisposable? owner = null, IProgress<LoadProgress>? progress = null, CancellationToken cancellation = default) =>
        new(source, device, contextLength, maxBatchTokens, kvFormat, pageCount, products, owner, progress, cancellation);

    /// <summary>The shaders of the engine, for <see cref="GpuDevice.Open"/>.</summary>
    public static ShaderLibrary Shaders { get; } = new(typeof(VulkanForwardPass).Assembly);

    /// <summary>The device; for tests that look between two stages.</summary>
    internal GpuDevice Device => _device;

    /// <summary>The residual stream as the next stage finds it: from the last layer's attention on only the wanted rows are left.</summary>
    internal BufferView Residual => NextStage > StageIndexOfLastAttention ? _model.Activations.OutputResidual : _model.Activations.Residual;

    /// <summary>All stages of a step of up to <paramref name="rows"/> tokens in order of submission; for the hazard replay.</summary>
    internal IEnumerable<Recording> RecordingsFor(int rows) => [ClassFor(rows).Tokens, ClassFor(rows).Outputs, _status];

    /// <inheritdoc/>
    public override void Begin(StepBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Check(batch);
        _tokens = ClassFor(batch.Count);
        _outputs = ClassFor(batch.OutputCount);
        _model.Parameters.Write(batch, PlanOf(_tokens), PlanOf(_outputs));
        _batch = batch;
        NextStage = 0;
    }

    /// <inheritdoc/>
    public override void Run(int stageCount)
    {
        StepBatch batch = _batch ?? throw new InvalidOperationException("Begin a step first.");
        int end = Math.Min(Stages.Count, NextStage + stageCount);
        if (end == NextStage) return;

        // Stages of the tokens recording, then of the outputs recording; the last layer's attention is in both (see Record).
        int lastAttention = StageIndexOfLastAttention;
        ulong ticket = Submit(_tokens.Tokens, NextStage, Math.Min(end, lastAttention + 1));
        if (batch.OutputCount > 0) ticket = Math.Max(ticket, Submit(_outputs.Outputs, Math.Max(NextStage, lastAttention) - lastAttention, end - lastAttention));
        if (end == Stages.Count) ticket = _device.Queue.Submit(_status, 0, 1);
        _device.Queue.Wait(ticket);
        NextStage = end;
        if (end == Stages.Count) Complete(batch);
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<float> Logits(int outputRow)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(outputRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(outputRow, _outputCount);
        ulong rowBytes = (ulong)Config.VocabSize * sizeof(float);
        return _model.Activations.LogitsReadBack.Map<float>((ulong)outputRow * rowBytes, rowBytes);
    }

    private int StageIndexOfLastAttention => Stages.Count - (Config.IsSparse ? 5 : 4);

    /// <summary>Submits stages [first, end) of a recording; nothing when that is empty.</summary>
    private ulong Submit(Recording recording, int first, int end) => end > first ? _device.Queue.Submit(recording, first, end - first) : 0;

    private void Complete(StepBatch batch)
    {
        _batch = null;
        _outputCount = 0;
        GpuBuffer statusBuffer = _model.Activations.StatusReadBack;
        statusBuffer.Invalidate();
        uint status = statusBuffer.Map<uint>()[0];
        if (status != uint.MaxValue) throw new NonFiniteException((int)status - 1, Config.LayerCount);
        if (batch.OutputCount > 0) _model.Activations.LogitsReadBack.Invalidate();
        _outputCount = batch.OutputCount;
        batch.Commit();
    }

    private AttentionPlan PlanOf(RowClass rows) => AttentionPlan.For(Config, _model.Activations.MaxSplits, rows.MaxRows);

    private RowClass ClassFor(int rows)
    {
        foreach (RowClass rowClass in _classes)
            if (rows <= rowClass.MaxRows) return rowClass;
        throw new ArgumentOutOfRangeException(nameof(rows));
    }

    /// <summary>
    /// Records every class: first all, so that their pipelines can be made in parallel, then the command buffers. The tokens recording has one
    /// stage for each of the model's up to the last layer's attention, of which it does what all tokens need; the outputs recording goes on
    /// from there with the wanted rows.
    /// </summary>
    private RowClass[] Record(int maxBatchTokens, CancellationToken cancellation)
    {
        Activations a = _model.Activations;
        int last = Config.LayerCount - 1;
        var recorders = new List<(uint MaxRows, Recorder Tokens, Recorder Outputs)>();
        foreach (uint maxRows in TokenClasses.Cover((uint)maxBatchTokens))
        {
            Recorder tokenRecorder = _device.CreateRecorder(), outputRecorder = _device.CreateRecorder();
            var tokens = new StageRecorder(_model, tokenRecorder, maxRows, _model.Parameters.Tokens, a.Residual, a.Qkv);
            var outputs = new StageRecorder(_model, outputRecorder, maxRows, _model.Parameters.Outputs, a.OutputResidual, a.OutputQkv);
            tokens.Embedding();
            for (int layer = 0; layer < last; layer++)
            {
                tokens.Attention(layer);
                FeedForward(tokens, layer);
            }
            tokens.StoreKeys(last);
            outputs.AttendWanted(last, a.Residual, a.Qkv);
            FeedForward(outputs, last);
            outputs.Head();
            recorders.Add((maxRows, tokenRecorder, outputRecorder));
        }
        _device.PreparePipelines([.. recorders.SelectMany(r => new[] { r.Tokens, r.Outputs })], cancellation: cancellation);
        return [.. recorders.Select(r => new RowClass(r.MaxRows,
            Own(r.Tokens.Finish($"up to {r.MaxRows} tokens")), Own(r.Outputs.Finish($"up to {r.MaxRows} wanted rows"))))];
    }

    private void FeedForward(StageRecorder stages, int layer)
    {
        if (Config.IsSparse) stages.Router(layer);
        stages.GateUp(layer);
        stages.Down(layer);
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
        _device.WaitIdle();
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
        _owner?.Dispose();
    }

}
