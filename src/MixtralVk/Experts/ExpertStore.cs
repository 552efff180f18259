using System.Diagnostics;
using MixtralVk.Cpu;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Experts;

/// <summary>
/// The experts of a model that does not fit the device's memory: each lies in main memory, and as many as there are slots for on the device, too. In
/// every layer of a step the device computes those it has (hits), the processor at the same time those it has not (misses). Not thread-safe.
/// </summary>
internal sealed unsafe class ExpertStore : IDisposable
{
    private readonly DeviceExperts _device;
    private readonly ExpertExchange _exchange;
    private readonly CpuExperts _host;
    private readonly int _topK;
    private readonly bool[] _isResident; // (experts) of the layer in progress
    private int _hits, _misses;
    private int _timed = -1;        // the layer whose experts run, or are done and not counted yet
    private bool _hasGpuTime;       // the device has some of them
    private bool _isSummed;         // they are done as soon as what was submitted is
    private long _routed, _begun, _ended; // of that layer: when its router was done, when the processor began and ended

    /// <summary>Brings every expert into main memory, or finds it in the mapped file.</summary>
    public ExpertStore(GpuDevice device, DeviceExperts experts, ModelSource source, MappedTiles? mapped, int maxBatchTokens, ExpertSettings settings,
        IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        (_device, _topK) = (experts, source.Config.ExpertsPerToken);
        _isResident = new bool[experts.ExpertCount];
        Activity = new ExpertActivity(experts.LayerCount);
        _exchange = new ExpertExchange(device, source.Config, maxBatchTokens);
        try
        {
            _host = new CpuExperts(source, mapped, maxBatchTokens, Pointer(_exchange.Inputs), Pointer(_exchange.Outputs), settings.Cpu, progress, cancellation);
        }
        catch
        {
            _exchange.Dispose();
            throw;
        }
    }

    /// <summary>What experts did.</summary>
    public ExpertActivity Activity { get; }

    /// <summary>Where device and host hand each other what the other needs.</summary>
    public ExpertExchange Exchange => _exchange;

    /// <summary>Whether the layer in progress has experts for the device.</summary>
    public bool HasHits => _hits > 0;

    /// <summary>Whether the layer in progress has experts for the processor.</summary>
    public bool HasMisses => _misses > 0;

    /// <summary>Experts on the device.</summary>
    public int ResidentCount => Enumerable.Range(0, _device.LayerCount).Sum(layer => Enumerable.Range(0, _device.ExpertCount).Count(expert => _device.SlotOf(layer, expert) != DeviceExperts.None));

    /// <summary>Fills the slots, each with the expert of its number.</summary>
    public WeightTransfer Fill(GpuDevice device, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        using var uploader = new WeightUploader(device);
        var uploads = new List<Upload>();
        for (int layer = 0; layer < _device.LayerCount; layer++)
            for (int slot = 0; slot < _device.SlotCount(layer); slot++) AddUploads(uploads, layer, slot, slot);
        uploader.Run(uploads, progress, cancellation);
        for (int layer = 0; layer < _device.LayerCount; layer++)
            for (int slot = 0; slot < _device.SlotCount(layer); slot++) _device.Put(layer, slot, slot);
        return uploader.Transfer;
    }

    /// <summary>Whether the host must look at a layer's choices before its experts are computed: not where the device has all of them.</summary>
    public bool MustLook(int layer) => _device.SlotCount(layer) < _device.ExpertCount;

    /// <summary>Layers, among the first so many, whose choices the host must look at.</summary>
    public int SplitLayers(int layers) => Enumerable.Range(0, layers).Count(MustLook);

    /// <summary>The router of a layer has run on the device, and is done: finds out who computes what.</summary>
    public void Look(int layer, int tokens)
    {
        _routed = Stopwatch.GetTimestamp();
        _exchange.Ids.Invalidate();
        BufferView view = _exchange.IdsOf(layer);
        ReadOnlySpan<int> ids = _exchange.Ids.Map<int>(view.Offset, (ulong)(tokens * _topK) * sizeof(int));
        for (int expert = 0; expert < _isResident.Length; expert++) _isResident[expert] = _device.SlotOf(layer, expert) != DeviceExperts.None;
        _misses = _host.Begin(ids, _isResident);
        _hits = ids.Length - _misses;
        if (_misses > 0) _exchange.Inputs.Invalidate();
        Activity.Count(layer, _hits, _misses);
        (_timed, _hasGpuTime, _begun, _ended) = (layer, _hits > 0, 0, 0);
    }

    /// <summary>The device runs a layer's experts without anybody looking.</summary>
    public void Pass(int layer, int tokens)
    {
        (_hits, _misses) = (0, 0);
        Activity.Count(layer, tokens * _topK, 0);
    }

    /// <summary>The layer has no step in progress any more.</summary>
    public void Forget() => (_hits, _misses, _timed, _isSummed) = (0, 0, -1, false);

    /// <summary>Computes the processor's part of a gate/up or down stage, or of a part of one.</summary>
    public void Run(Stage stage)
    {
        if (_begun == 0) _begun = Stopwatch.GetTimestamp();
        _host.Run(stage);
        _ended = Stopwatch.GetTimestamp();
        if (stage is { Kind: StageKind.Down, IsLast: true }) _exchange.Outputs.Flush();
    }

    /// <summary>The last of a layer's experts have been queued, and computed here.</summary>
    public void Sum() => _isSummed = _timed >= 0;

    /// <summary>All that was submitted is done: counts the time of the experts that were summed.</summary>
    public void Completed()
    {
        if (!_isSummed) return;
        double cpuBegin = 0, cpuEnd = 0;
        if (_begun > 0) (cpuBegin, cpuEnd) = (Stopwatch.GetElapsedTime(_routed, _begun).TotalMilliseconds, Stopwatch.GetElapsedTime(_routed, _ended).TotalMilliseconds);
        double gpuBegin = 0, gpuEnd = 0;
        if (_hasGpuTime && _exchange.TimerOf(_timed) is { } timer)
        {
            // The host learns of the router's end a little later than the device, so these are late by as much at the most.
            gpuBegin = timer.Seconds(ExpertExchange.Routed, ExpertExchange.Begun) * 1000;
            gpuEnd = timer.Seconds(ExpertExchange.Routed, ExpertExchange.Done) * 1000;
        }
        Activity.Spend(_timed, gpuEnd - gpuBegin, cpuEnd - cpuBegin, Math.Max(0, Math.Min(cpuEnd, gpuEnd) - Math.Max(cpuBegin, gpuBegin)));
        (_timed, _isSummed) = (-1, false);
    }

    /// <summary>From main memory to a slot.</summary>
    private void AddUploads(List<Upload> uploads, int layer, int slot, int expert)
    {
        ExpertWeights to = _device[layer, slot];
        LayerExperts from = _host[layer];
        Add(to.Gate, from.Gate[expert]);
        Add(to.Up, from.Up[expert]);
        Add(to.Down, from.Down[expert]);

        void Add(GpuMatrix matrix, TiledMatrix tiles) => uploads.AddRange(Upload.OfTiles(matrix, 0, matrix.Layout.Tiles,
            (first, count, bytes) => new ReadOnlySpan<byte>(tiles.Tile(first), bytes.Length).CopyTo(bytes), $"layer {layer}"));
    }

    private static float* Pointer(GpuBuffer buffer) => (float*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref buffer.Map<float>()[0]);

    public void Dispose()
    {
        _host.Dispose();
        _exchange.Dispose();
    }
}
