using System.Diagnostics;
using System.Runtime.InteropServices;
using MixtralVk.Cpu;
using MixtralVk.Gpu;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Experts;

/// <summary>
/// Experts that come to the device for one step of a prompt: where many rows chose one that has no slot, uploading it may take less time
/// than the processor (<see cref="GuestTimes"/>). They lie in the landing beside the slots, one after the other. Not
/// thread-safe.
/// </summary>
internal sealed class ExpertGuests : IDisposable
{
    private readonly DeviceExperts _experts;
    private readonly CpuExperts _host;
    private readonly ExpertReplacement _replacement;
    private readonly ExpertActivity _activity;
    private readonly Func<int, bool>? _isWorth;
    private readonly WeightUploader _uploader;
    private readonly List<int> _guests = [];    // of the layer in progress; all are computed but for the last
    private readonly GuestTimes _times = new();
    private long _landed;                       // when the last one was there

    /// <param name="device">The device.</param>
    /// <param name="experts">Its slots, and the landing.</param>
    /// <param name="host">All experts.</param>
    /// <param name="replacement">Uses the landing, too, between steps.</param>
    /// <param name="activity">Counts guests.</param>
    /// <param name="isWorth">Test hook: decides by the rows that chose an expert, in the place of what was measured.</param>
    public ExpertGuests(GpuDevice device, DeviceExperts experts, CpuExperts host, ExpertReplacement replacement, ExpertActivity activity,
        Func<int, bool>? isWorth)
    {
        (_experts, _host, _replacement, _activity, _isWorth) = (experts, host, replacement, activity, isWorth);
        _uploader = new WeightUploader(device);
    }

    /// <summary>Uploads of guests that failed, for lack of memory: the processor computed their rows.</summary>
    public UploadFailures Failures { get; } = new();

    /// <summary>
    /// Brings an expert that has no slot, the one that most rows chose, if that is worth it: the next submissions of the layer compute it,
    /// and it alone. False where none is; the next submissions compute the slots then. Nothing that was submitted may be in progress.
    /// </summary>
    /// <param name="layer">The layer, in which the host has begun.</param>
    /// <param name="hitRows">Rows whose experts have slots.</param>
    /// <exception cref="DeviceLostException">The device is lost.</exception>
    public bool TryBring(int layer, int hitRows)
    {
        if (!_experts.ServesGuests(layer)) return false;
        int guest = -1, rows = 0, missRows = 0;
        for (int expert = 0; expert < _experts.ExpertCount; expert++)
        {
            if (_guests.Contains(expert)) continue;
            missRows += _host.RowsOf(expert);
            if (_host.RowsOf(expert) > rows && _experts.FitsLanding(new ExpertId(layer, expert)))
                (guest, rows) = (expert, _host.RowsOf(expert));
        }
        if (rows > 0 && !Failures.AreRecent && IsWorth(layer, guest, missRows, hitRows) && TryUpload(new ExpertId(layer, guest)))
        {
            _experts.ComputeGuest(new ExpertId(layer, guest));
            _guests.Add(guest);
            return true;
        }
        _experts.ComputeSlots(layer, CollectionsMarshal.AsSpan(_guests));
        return false;
    }

    /// <summary>Whether the layer in progress has guests.</summary>
    public bool HasAny => _guests.Count > 0;

    /// <summary>Whether an expert is one of them, which the host is not to compute.</summary>
    public bool Has(int expert) => _guests.Contains(expert);

    /// <summary>The next layer has no guests yet.</summary>
    public void Leave() => _guests.Clear();

    private bool TryUpload(ExpertId id)
    {
        _replacement.Abandon(); // what was on its way there begins anew
        long start = Stopwatch.GetTimestamp();
        try
        {
            _uploader.Run([.. ExpertReplacement.UploadsOf(_host[id.Layer], id, _experts.Landed(id), WeightUploader.PieceBytes)], null,
                CancellationToken.None);
        }
        catch (GpuException problem) when (problem is not DeviceLostException)
        {
            Failures.Add();
            return false;
        }
        _landed = Stopwatch.GetTimestamp();
        _times.LearnUpload(Stopwatch.GetElapsedTime(start, _landed).TotalMilliseconds, BytesOf(id));
        return true;
    }

    /// <summary>The device has computed the guest.</summary>
    public void Computed(int layer)
    {
        double took = Stopwatch.GetElapsedTime(_landed).TotalMilliseconds;
        _times.LearnGpu(took, _host.RowsOf(_guests[^1]));
        _activity.Invite(layer, BytesOf(new ExpertId(layer, _guests[^1])), took);
    }

    /// <summary>A step of a prompt took so many milliseconds for so many rows on either side.</summary>
    public void Learn(double gpuMilliseconds, int gpuRows, double cpuMilliseconds, int cpuRows)
    {
        _times.LearnGpu(gpuMilliseconds, gpuRows);
        _times.LearnCpu(cpuMilliseconds, cpuRows);
    }

    private bool IsWorth(int layer, int guest, int missRows, int hitRows)
    {
        int rows = _host.RowsOf(guest);
        return _isWorth?.Invoke(rows) ?? _times.IsWorth(BytesOf(new ExpertId(layer, guest)), rows, missRows, hitRows);
    }

    private long BytesOf(ExpertId id) => _experts.LayoutsOf(id.Layer)[id.Expert].Bytes;

    public void Dispose() => _uploader.Dispose();
}
