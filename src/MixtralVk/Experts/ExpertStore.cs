using System.Diagnostics;
using MixtralVk.Cpu;
using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Experts;

/// <summary>
/// The experts of a model that does not fit the device's memory: each lies in main memory, and as many as there are slots for on the
/// device, too. In every layer of a step the device computes those it has (hits), the processor at the same time those it has not (misses).
/// Between steps experts move (<see cref="ExpertReplacement"/>). Not thread-safe.
/// </summary>
internal sealed unsafe class ExpertStore : IDisposable
{
    private readonly DeviceExperts _device;
    private readonly ExpertExchange _exchange;
    private readonly CpuExperts _host;
    private readonly ExpertGuests _guests;
    private readonly HitSharing _sharing = new();
    private readonly SlotEviction _eviction;
    private readonly Func<int, int, int> _forProcessor;
    private readonly ExpertUse _use;
    private readonly int _topK;
    private readonly bool _moves;
    private readonly bool[] _isChosen, _isResident; // (experts) of the layer in progress; resident: on the device, which is to compute it
    private int _rows, _hits, _misses;
    private int _timed = -1;        // the layer whose experts run, or are done and not counted yet
    private bool _hasGpuTime;       // the device has some of them
    private bool _isSummed;         // they are done as soon as what was submitted is
    private bool _isWhole;          // in one slice: their times have no frame of a game in between
    private long _routed, _begun, _ended; // of that layer: when its router was done, when the processor began and ended

    /// <summary>Brings every expert into main memory, or finds it in the mapped file.</summary>
    /// <param name="device">The device.</param>
    /// <param name="experts">Its slots.</param>
    /// <param name="source">The opened model.</param>
    /// <param name="mapped">Where its matrices are mapped, else null; must outlive this object.</param>
    /// <param name="maxBatchTokens">Most tokens of a step.</param>
    /// <param name="settings">How experts are placed.</param>
    /// <param name="use">How often they were used; counted on where they move.</param>
    /// <param name="progress">Told while weights are read.</param>
    /// <param name="cancellation">Ends reading.</param>
    public ExpertStore(GpuDevice device, DeviceExperts experts, ModelSource source, MappedTiles? mapped, int maxBatchTokens,
        ExpertSettings settings, ExpertUse use,
        IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        (_device, _use, _topK, _moves) = (experts, use, source.Config.ExpertsPerToken, settings.Moves);
        (_isChosen, _isResident) = (new bool[experts.ExpertCount], new bool[experts.ExpertCount]);
        _forProcessor = settings.TakesHits ?? _sharing.ForProcessor;
        Activity = new ExpertActivity(experts.LayerCount);
        _exchange = new ExpertExchange(device, source.Config, maxBatchTokens);
        try
        {
            _host = new CpuExperts(source, mapped, maxBatchTokens, Pointer(_exchange.Inputs), Pointer(_exchange.Outputs), settings.Cpu,
                progress, cancellation);
        }
        catch
        {
            _exchange.Dispose();
            throw;
        }
        _eviction = new SlotEviction(experts.LayerCount);
        Budget = new ExpertBudget(device, experts, use, settings.BudgetBytes, _eviction, Activity,
            settings.SpareMemory ?? (DeviceChoices.KnowsSpareMemory(device.Description) ? device.SpareMemory : null));
        Replacement = new ExpertReplacement(device, experts, _host, use, Activity);
        _guests = new ExpertGuests(device, experts, _host, Replacement, Activity, settings.InvitesGuest);
    }

    /// <summary>What experts did.</summary>
    public ExpertActivity Activity { get; }

    /// <summary>How many slots there are to be.</summary>
    public ExpertBudget Budget { get; }

    /// <summary>Moves experts between steps; where they are to stay, into empty slots only.</summary>
    public ExpertReplacement Replacement { get; }

    /// <summary>Uploads that failed, each leaving all as it was.</summary>
    public int Failures => Replacement.Failures.Count + _guests.Failures.Count;

    /// <summary>Where device and host hand each other what the other needs.</summary>
    public ExpertExchange Exchange => _exchange;

    /// <summary>Whether the layer in progress has experts for the device.</summary>
    public bool HasHits => _hits > 0;

    /// <summary>Whether the layer in progress has experts for the processor.</summary>
    public bool HasMisses => _misses > 0;

    /// <summary>Experts on the device.</summary>
    public int ResidentCount => Enumerable.Range(0, _device.LayerCount).Sum(_device.Slots.ResidentsOf);

    /// <summary>Fills the slots (<see cref="ExpertSlots.Fill"/>).</summary>
    public WeightTransfer Fill(GpuDevice device, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        using var uploader = new WeightUploader(device);
        ExpertMove[] moves = [.. _device.Slots.Fill(_use)];
        uploader.Run([.. moves.SelectMany(move => ExpertReplacement.UploadsOf(_host[move.Layer], move.Id, _device[move.Layer, move.Slot],
            WeightUploader.PieceBytes))], progress, cancellation);
        foreach (ExpertMove move in moves) _device.Put(move);
        return uploader.Transfer;
    }

    /// <summary>
    /// Whether the host must look at a layer's choices before its experts are computed: not where the device has all of them.
    /// </summary>
    public bool MustLook(int layer) => _device.Slots.ResidentsOf(layer) < _device.ExpertCount;

    /// <summary>Layers, among the first so many, whose choices the host must look at.</summary>
    public int SplitLayers(int layers) => Enumerable.Range(0, layers).Count(MustLook);

    /// <summary>The router of a layer has run on the device, and is done: finds out who computes what.</summary>
    public void Look(int layer, int tokens)
    {
        _routed = Stopwatch.GetTimestamp();
        _exchange.Ids.Invalidate();
        ReadOnlySpan<int> ids = IdsOf(layer, tokens);
        for (int expert = 0; expert < _isResident.Length; expert++)
            _isResident[expert] = _device.Slots.SlotOf(layer, expert) != ExpertSlots.None;
        _misses = _host.Begin(ids, _isResident);
        (_rows, _hits) = (tokens, ids.Length - _misses);
        Activity.Count(layer, _hits, _misses);
        if (_moves)
        {
            _use.Chosen(layer, ids, tokens);
            ShareHits(layer, ids);
        }
        if (_misses > 0) _exchange.Inputs.Invalidate();
        (_timed, _hasGpuTime, _isWhole, _begun, _ended) = (layer, _hits > 0, true, 0, 0);
    }

    /// <summary>
    /// Leaves some of the experts that the device has to the processor, where that is faster (<see cref="HitSharing"/>); in prompts none.
    /// </summary>
    private void ShareHits(int layer, ReadOnlySpan<int> ids)
    {
        if (!IsPrompt)
        {
            Array.Clear(_isChosen);
            foreach (int id in ids) _isChosen[id] = true;
            int taken = _forProcessor(Chosen(onDevice: true), Chosen(onDevice: false));
            if (taken > 0) TakeHits(layer, ids, taken);
        }
        _device.Compute(layer, _isResident);
    }

    private void TakeHits(int layer, ReadOnlySpan<int> ids, int experts)
    {
        for (int expert = 0; experts > 0; expert++)
        {
            if (!_isChosen[expert] || !_isResident[expert]) continue;
            _isResident[expert] = false;
            experts--;
        }
        int hits = _hits;
        _misses = _host.Begin(ids, _isResident);
        _hits = ids.Length - _misses;
        Activity.Take(layer, hits - _hits);
    }

    private bool IsPrompt => TokenClasses.Of((uint)_rows) == TokenClass.Chunk;

    private int Chosen(bool onDevice)
    {
        int count = 0;
        for (int expert = 0; expert < _isChosen.Length; expert++) count += _isChosen[expert] && _isResident[expert] == onDevice ? 1 : 0;
        return count;
    }

    /// <summary>
    /// In a prompt, after <see cref="Look"/>: brings an expert that the device does not have for this step, where that is expected to save
    /// time; the next submissions of the layer's experts compute it alone. False where none is left: what follows is shared as ever.
    /// </summary>
    public bool TryBringGuest(int layer, int tokens)
    {
        if (_guests.TryBring(layer, _hits)) return true;
        if (!_guests.HasAny) return false;
        for (int expert = 0; expert < _isResident.Length; expert++) _isResident[expert] |= _guests.Has(expert);
        _misses = _host.Begin(IdsOf(layer, tokens), _isResident);
        _guests.Leave();
        return false;
    }

    /// <summary>The device has computed the guest.</summary>
    public void GuestComputed(int layer) => _guests.Computed(layer);

    /// <summary>The device runs a layer's experts without anybody looking.</summary>
    public void Pass(int layer, int tokens)
    {
        (_hits, _misses) = (0, 0);
        Activity.Count(layer, tokens * _topK, 0);
    }

    /// <summary>The layer has no step in progress any more.</summary>
    public void Forget()
    {
        (_hits, _misses, _timed, _isSummed) = (0, 0, -1, false);
        _guests.Leave();
    }

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
        if (!_isSummed)
        {
            _isWhole = false;
            return;
        }
        double cpuBegin = 0, cpuEnd = 0;
        if (_begun > 0)
            (cpuBegin, cpuEnd) =
                (Stopwatch.GetElapsedTime(_routed, _begun).TotalMilliseconds, Stopwatch.GetElapsedTime(_routed, _ended).TotalMilliseconds);
        double gpuBegin = 0, gpuEnd = 0;
        if (_hasGpuTime && _exchange.TimerOf(_timed) is { } timer)
        {
            // The host learns of the router's end a little later than the device, so these are late by as much at the most.
            gpuBegin = timer.Seconds(ExpertExchange.Routed, ExpertExchange.Begun) * 1000;
            gpuEnd = timer.Seconds(ExpertExchange.Routed, ExpertExchange.Done) * 1000;
        }
        Activity.Spend(_timed, gpuEnd - gpuBegin, cpuEnd - cpuBegin, Math.Max(0, Math.Min(cpuEnd, gpuEnd) - Math.Max(cpuBegin, gpuBegin)));
        if (IsPrompt) _guests.Learn(gpuEnd - gpuBegin, _hits, cpuEnd - cpuBegin, _misses);
        else if (_moves && _isWhole)
        {
            int onDevice = Chosen(onDevice: true);
            _sharing.Learn(gpuEnd - gpuBegin, onDevice, cpuEnd - cpuBegin, Chosen(onDevice: false));
            _eviction.Learn(_timed, TokenClasses.Of((uint)_rows), gpuEnd - gpuBegin, onDevice);
        }
        (_timed, _isSummed) = (-1, false);
    }

    private ReadOnlySpan<int> IdsOf(int layer, int tokens) =>
        _exchange.Ids.Map<int>(_exchange.IdsOf(layer).Offset, (ulong)(tokens * _topK) * sizeof(int));

    private static float* Pointer(GpuBuffer buffer) => (float*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref buffer.Map<float>()[0]);

    public void Dispose()
    {
        _guests.Dispose();
        Replacement.Dispose();
        _host.Dispose();
        _exchange.Dispose();
    }
}
