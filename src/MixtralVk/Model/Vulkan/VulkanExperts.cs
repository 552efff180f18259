using System.Diagnostics;
using MixtralVk.Experts;

namespace MixtralVk.Model.Vulkan;

/// <summary>What becomes of a pass's experts between steps, where device and processor share them.</summary>
public sealed partial class VulkanForwardPass
{
    private double _resizeMilliseconds = double.NaN;

    /// <summary>Experts on the device; null where all are there for good. From any thread.</summary>
    public int? ResidentExperts => _store?.ResidentCount;

    /// <summary>
    /// What the experts of each layer did since loading, where device and processor share them; else empty. A copy; from any thread.
    /// </summary>
    public IReadOnlyList<LayerActivity> ExpertActivity => _store?.Activity.Read() ?? [];

    /// <summary>Whether the device has an expert; for tests.</summary>
    internal bool IsOnDevice(ExpertId id) => _model.Weights.Experts.Slots.SlotOf(id.Layer, id.Expert) != ExpertSlots.None;

    /// <summary>Uploads of experts that failed, each leaving all as it was.</summary>
    public int ExpertFailures => _store?.Failures ?? 0;

    /// <summary>Bytes of the experts that the device has no slots for. From any thread.</summary>
    public long ExpertBytesElsewhere => _store is null ? 0 : _model.Weights.Experts.AllBytes - _model.Weights.Experts.SlotBytes;

    /// <summary>
    /// Most bytes of the device's memory for experts; null: all that is left of its budget. May be set from any thread and takes effect
    /// between steps, a few experts at a time. Throws <see cref="InvalidOperationException"/> where all experts are on the device for good.
    /// </summary>
    internal long? ExpertBudgetBytes
    {
        get => _experts?.BudgetBytes;
        set
        {
            if (_experts is null || _store is null)
                throw new InvalidOperationException(
                    "All experts are on the GPU for good: load the model with ExpertBudgetBytes to change it later.");
            _experts = _experts with { BudgetBytes = value }; // for the next device, too
            _store.Budget.Bytes = value;
        }
    }

    /// <summary>How often experts were used, where they move; null elsewhere.</summary>
    internal ExpertUse? ExpertUse => _experts is { Moves: true } && _store is not null ? _use : null;

    /// <inheritdoc/>
    internal override double? RearrangementMilliseconds =>
        _store is null ? null : _store.Budget.IsDue ? _resizeMilliseconds : _store.Replacement.NextMilliseconds;

    /// <inheritdoc/>
    internal override void Rearrange()
    {
        long start = Stopwatch.GetTimestamp();
        bool resizes = _store!.Budget.IsDue;
        if (resizes) Resize();
        else _store.Replacement.Run();
        RunTime = Stopwatch.GetElapsedTime(start);
        if (resizes) _resizeMilliseconds = RunTime.TotalMilliseconds;
    }

    /// <summary>Half of the experts' slots.</summary>
    internal override bool TryShed()
    {
        if (_store is null || !_store.Budget.TryHalve()) return false;
        while (_store.Budget.IsDue) Resize();
        return true;
    }

    /// <summary>What is recorded goes through the slots there are; each submission has been waited for.</summary>
    private void Resize()
    {
        _store!.Replacement.Abandon();
        _recordings?.Dispose();
        _recordings = null;
        try
        {
            _store.Budget.Resize();
        }
        finally
        {
            _recordings = Record(CancellationToken.None);
        }
    }
}
