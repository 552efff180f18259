using System.Diagnostics;
using MixtralVk.Gpu;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Experts;

/// <summary>
/// How many slots there are to be: as many as the bytes hold that the host gives, less what the driver says or a step finds to be short.
/// Slots come and go a few at a time; those of a layer that the driver has moved out go and come anew. Not thread-safe but for
/// <see cref="Bytes"/>.
/// </summary>
internal sealed class ExpertBudget
{
    /// <summary>Slots that come or go in one go.</summary>
    private const int SlotsAtOnce = 8;

    /// <summary>What stays free before slots come back that were given up for others.</summary>
    private const long Margin = 256 << 20;

    /// <summary>How often the driver is asked.</summary>
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    private readonly GpuDevice _device;
    private readonly DeviceExperts _experts;
    private readonly ExpertUse _use;
    private readonly SlotEviction _eviction;
    private readonly ExpertActivity _activity;
    private readonly Func<long?>? _spare;
    private readonly bool[] _isEvicted;     // [layer]: its slots are to go, and come anew when those of all such layers are gone
    private int[] _counts;                  // [layer]: slots there are to be
    private long _bytes;                    // -1: all that is left
    private long _allowed = long.MaxValue;  // what others leave
    private long _found = long.MaxValue;    // what steps found memory beside
    private long _asked;                    // timestamp
    private volatile bool _isChanged;

    /// <param name="device">The device.</param>
    /// <param name="experts">Its slots.</param>
    /// <param name="use">Whose slots go first.</param>
    /// <param name="bytes">The budget they were made for; null: all that is left of the device's.</param>
    /// <param name="eviction">Tells whose slots were moved out, where experts move.</param>
    /// <param name="activity">Counts layers whose slots come anew.</param>
    /// <param name="spare">Bytes the process may take more of the device's memory, negative when it is to give some back; null where nobody
    /// can tell.</param>
    public ExpertBudget(GpuDevice device, DeviceExperts experts, ExpertUse use, long? bytes, SlotEviction eviction, ExpertActivity activity,
        Func<long?>? spare)
    {
        (_device, _experts, _use, _bytes, _eviction, _activity, _spare) = (device, experts, use, bytes ?? -1, eviction, activity, spare);
        _isEvicted = new bool[experts.LayerCount];
        _counts = [.. Enumerable.Range(0, experts.LayerCount).Select(experts.Slots.CountOf)];
        _asked = Stopwatch.GetTimestamp();
    }

    /// <summary>
    /// Most bytes of slots; null: all that the device's budget leaves. Whoever sets it has slots tried that steps found no memory beside.
    /// From any thread.
    /// </summary>
    public long? Bytes
    {
        get => Volatile.Read(ref _bytes) is long bytes and >= 0 ? bytes : null;
        set
        {
            Volatile.Write(ref _bytes, value ?? -1);
            Volatile.Write(ref _found, long.MaxValue);
            _isChanged = true;
        }
    }

    /// <summary>Whether there are to be other slots than there are.</summary>
    public bool IsDue
    {
        get
        {
            if (_spare is not null && Stopwatch.GetElapsedTime(_asked) >= s_period) AskDriver();
            if (_isChanged)
            {
                _isChanged = false;
                _counts = _experts.SlotsFor(Target);
                for (int layer = 0; layer < _counts.Length; layer++)
                    if (_isEvicted[layer]) _counts[layer] = 0;
            }
            for (int layer = 0; layer < _counts.Length; layer++)
                if (_counts[layer] != _experts.Slots.CountOf(layer)) return true;
            return false;
        }
    }

    /// <summary>A step found no memory: half of the slots are to go. False where there are none.</summary>
    public bool TryHalve()
    {
        if (_experts.SlotBytes == 0) return false;
        Volatile.Write(ref _found, _experts.SlotBytes / 2);
        return _isChanged = true;
    }

    /// <summary>Frees slots, those of the least used experts, or makes some, empty. No recording may use slots meanwhile.</summary>
    public void Resize()
    {
        int left = SlotsAtOnce;
        for (int layer = 0; layer < _counts.Length; layer++)
            for (; left > 0 && _experts.Slots.CountOf(layer) > _counts[layer]; left--)
                _experts.RemoveSlot(layer, _experts.Slots.LeastOf(layer, _use));
        ReturnEvicted();
        try
        {
            for (int layer = 0; layer < _counts.Length; layer++)
                for (; left > 0 && _experts.Slots.CountOf(layer) < _counts[layer]; left--) _experts.AddSlot(layer);
        }
        catch (OutOfGpuMemoryException)
        {
            // The device has less than it said: what there is must do.
            for (int layer = 0; layer < _counts.Length; layer++) _counts[layer] = Math.Min(_counts[layer], _experts.Slots.CountOf(layer));
        }
    }

    private long Target
    {
        get
        {
            long mine = _experts.SlotBytes, free = Math.Max(0, _device.MemoryBudget - _device.UsedMemory - ExpertSettings.Reserve);
            return Math.Min(Math.Min(Bytes ?? long.MaxValue, mine + free), Math.Min(_allowed, Volatile.Read(ref _found)));
        }
    }

    /// <summary>
    /// Has slots come anew once all are gone that the driver had moved out: it gives memory again in whole blocks, which layers may share.
    /// </summary>
    private void ReturnEvicted()
    {
        bool isAny = false;
        for (int layer = 0; layer < _isEvicted.Length; layer++)
        {
            if (!_isEvicted[layer]) continue;
            if (_experts.Slots.CountOf(layer) > 0) return;
            isAny = true;
        }
        Array.Clear(_isEvicted);
        _isChanged |= isAny;
    }

    /// <summary>Others on the device need memory, or need it no more.</summary>
    private void AskDriver()
    {
        _asked = Stopwatch.GetTimestamp();
        if (_spare!() is not long spare) return;
        foreach (int layer in _eviction.Tick(hasRoom: spare >= 0))
        {
            if (_experts.Slots.CountOf(layer) == 0) continue; // given back meanwhile
            _isEvicted[layer] = _isChanged = true;
            _activity.Renew(layer);
        }
        long allowed = spare < 0 ? Math.Max(0, _experts.SlotBytes + spare) : spare > Margin && _allowed < long.MaxValue
            ? _experts.SlotBytes + spare - Margin : _allowed;
        if (allowed == _allowed) return;
        _allowed = allowed;
        _isChanged = true;
    }
}
