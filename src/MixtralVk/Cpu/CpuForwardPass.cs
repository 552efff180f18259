using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>
/// Runs a model on the processor alone: managed code over the row-tile layout, no Vulkan. Every output is summed in one fixed order, so
/// prefill equals decode, chunked equals whole and batched equals alone, bit for bit, with any thread count.
/// </summary>
public sealed unsafe class CpuForwardPass : ForwardPass
{
    private readonly CpuWeights _weights;
    private readonly CpuActivations _activations;
    private readonly WorkerThreads _threads;
    private readonly CpuStepRows _step;
    private readonly CpuStages _stages;
    private readonly CpuArithmetic _arithmetic;
    private StepBatch? _batch;
    private bool _disposed;

    private CpuForwardPass(CpuWeights weights, CpuActivations activations, WorkerThreads threads, int contextLength, int maxBatchTokens,
        KvFormat kv, int pageCount, CpuArithmetic arithmetic)
        : base(weights.Config, contextLength, maxBatchTokens, kv, pageCount)
    {
        (_weights, _activations, _threads, _arithmetic) = (weights, activations, threads, arithmetic);
        _step = new CpuStepRows(activations, pageCount);
        _stages = new CpuStages(weights, activations, threads, _step);
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

    /// <summary>
    /// The same with the matrices in <paramref name="mapped"/> used in place; it belongs to the pass from now on, also when loading fails.
    /// </summary>
    internal static CpuForwardPass Load(ModelSource source, MappedTiles? mapped, int contextLength, int maxBatchTokens,
        KvFormat kv, int pageCount,
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
            workers = new WorkerThreads(threads, cpu.Placement);
            return new CpuForwardPass(weights, activations, workers, contextLength, maxBatchTokens, kv, pageCount, cpu.Arithmetic);
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
    internal Span<float> Residual => new(_activations.Residual, _step.Count * Config.Dim);

    /// <summary>Told what every matrix is multiplied with; null observes nothing.</summary>
    internal IMatrixInputs? Observer
    {
        set => _stages.Observer = value;
    }

    /// <summary>
    /// What the latest <see cref="StageKind.Router"/> stage chose, (rows, experts per token), the heaviest expert first; valid until the
    /// next stage runs. Rows are the tokens of the step, in the last layer those whose logits are wanted. Empty for a dense model.
    /// </summary>
    public ReadOnlySpan<int> ChosenExperts => new(_activations.RouterIds, _step.Count * Config.ExpertsPerToken);

    /// <inheritdoc/>
    public override void Begin(StepBatch batch)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Check(batch);
        _step.Begin(batch);
        *_activations.Status = StepStatus.Clean;
        _batch = batch;
        BeginStages(batch);
    }

    /// <inheritdoc/>
    public override void Run(int stageCount)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_batch is null) throw new InvalidOperationException("No step is in progress; call Begin first.");
        long start = Stopwatch.GetTimestamp();
        for (; stageCount > 0 && NextStage < Stages.Count; stageCount--) _stages.Run(Stages[NextStage++]);
        RunTime = Stopwatch.GetElapsedTime(start);
        if (NextStage < Stages.Count) return;
        StepBatch batch = _batch;
        _batch = null;
        if (*_activations.Status != StepStatus.Clean) throw new NonFiniteException(*_activations.Status, Config.LayerCount);
        batch.Commit();
    }

    /// <summary>What the bits of sums of floats depend on.</summary>
    internal static string Processor { get; } =
        $"CPU, {RuntimeInformation.ProcessArchitecture}, {Vector<float>.Count} lanes{(Fma.IsSupported || AdvSimd.IsSupported ? ", fused" : "")}";

    /// <inheritdoc/>
    internal override KvOrigin Origin =>
        new(KvFormat, KvOrigin.ThisEngine, Processor, RuntimeInformation.FrameworkDescription, _arithmetic.ToString());

    /// <inheritdoc/>
    internal override void ReadPages(ReadOnlySpan<int> pages, Span<byte> bytes)
    {
        long start = Stopwatch.GetTimestamp();
        foreach (int page in pages)
        {
            for (int part = 0; part < 2 * Config.LayerCount; part++)
            {
                Span<byte> inCache = Part(page, part);
                inCache.CopyTo(bytes);
                bytes = bytes[inCache.Length..];
            }
        }
        RunTime = Stopwatch.GetElapsedTime(start);
    }

    /// <inheritdoc/>
    internal override void WritePages(ReadOnlySpan<int> pages, ReadOnlySpan<byte> bytes)
    {
        long start = Stopwatch.GetTimestamp();
        foreach (int page in pages)
        {
            for (int part = 0; part < 2 * Config.LayerCount; part++)
            {
                Span<byte> inCache = Part(page, part);
                bytes[..inCache.Length].CopyTo(inCache);
                bytes = bytes[inCache.Length..];
            }
        }
        RunTime = Stopwatch.GetElapsedTime(start);
    }

    /// <summary>A layer's keys (even parts) or values of a page.</summary>
    private Span<byte> Part(int page, int part)
    {
        KvCache cache = _activations.Cache;
        return new Span<byte>(part % 2 == 0 ? cache.Keys(part / 2, page, 0) : cache.Values(part / 2, page, 0),
            (int)KvFormat.PoolBytes(Config));
    }

    /// <inheritdoc/>
    protected override void AbandonStep() => _batch = null;

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
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(outputRow, _step.Count);
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
}
