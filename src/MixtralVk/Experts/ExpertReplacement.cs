using System.Diagnostics;
using MixtralVk.Cpu;
using MixtralVk.Gpu;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Experts;

/// <summary>
/// Brings experts that are used often into the slots of those used little, between steps and piece by piece: beside the slots first, and to
/// its slot when all of it is there, by a copy on the device. So who leaves computes until then, and stays where anything fails. Runs on
/// the queue of the steps, and waits. Not thread-safe.
/// </summary>
internal sealed class ExpertReplacement : IDisposable
{
    /// <summary>Some tenths of a millisecond over a usual bus.</summary>
    private const long PieceBytes = 2 << 20;

    private readonly GpuDevice _device;
    private readonly DeviceExperts _experts;
    private readonly CpuExperts _host;
    private readonly ExpertUse _use;
    private readonly ExpertActivity _activity;
    private readonly WeightUploader _uploader;
    private readonly Queue<Upload> _pieces = [];    // of the expert on its way that are not there yet
    private ExpertMove? _move;
    private readonly MeasuredTime _piece = new(), _copy = new(); // milliseconds

    public ExpertReplacement(GpuDevice device, DeviceExperts experts, CpuExperts host, ExpertUse use, ExpertActivity activity)
    {
        (_device, _experts, _host, _use, _activity) = (device, experts, host, use, activity);
        _uploader = new WeightUploader(device);
    }

    /// <summary>What <see cref="Run"/> is expected to take; NaN where it is not known, null where all experts lie well.</summary>
    public double? NextMilliseconds
    {
        get
        {
            if (_move is not null) return _pieces.Count == 0 ? _copy.Average : _piece.Average;
            return Failures.AreRecent || !_experts.Slots.TryNextMove(_use, out _) ? null : _piece.Average;
        }
    }

    /// <summary>Uploads that failed, for lack of memory: each left everything as it was.</summary>
    public UploadFailures Failures { get; } = new();

    /// <summary>Brings a piece of an expert to the device, or an expert whose pieces are there into its slot.</summary>
    /// <exception cref="DeviceLostException">The device is lost.</exception>
    public void Run()
    {
        try
        {
            long start = Stopwatch.GetTimestamp();
            if (_move is { } move && _pieces.Count == 0)
            {
                Land(move);
                _copy.Learn(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            else if (_move is not null || TryBegin())
            {
                Upload piece = _pieces.Dequeue();
                _uploader.Run(piece);
                _activity.Upload(_move!.Value.Layer, (long)piece.Destination.Length);
                _piece.Learn(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }
        catch (GpuException problem) when (problem is not DeviceLostException)
        {
            Abandon();
            Failures.Add();
        }
    }

    /// <summary>Gives up what is on its way; it begins anew.</summary>
    public void Abandon()
    {
        _move = null;
        _pieces.Clear();
    }

    /// <summary>The pieces of an expert, from main memory to <paramref name="to"/>.</summary>
    public static unsafe IEnumerable<Upload> UploadsOf(LayerExperts from, ExpertId id, ExpertWeights to, long pieceBytes)
    {
        return [.. Of(to.Gate, from.Gate[id.Expert]), .. Of(to.Up, from.Up[id.Expert]), .. Of(to.Down, from.Down[id.Expert])];

        IEnumerable<Upload> Of(GpuMatrix matrix, TiledMatrix tiles) => Upload.OfTiles(matrix, 0, matrix.Layout.Tiles,
            (first, _, bytes) => new ReadOnlySpan<byte>(tiles.Tile(first), bytes.Length).CopyTo(bytes), $"layer {id.Layer}", pieceBytes);
    }

    private bool TryBegin()
    {
        if (!_experts.Slots.TryNextMove(_use, out ExpertMove move)) return false;
        _experts.MakeLanding();
        foreach (Upload piece in UploadsOf(_host[move.Layer], move.Id, _experts.Landed(move.Id), PieceBytes)) _pieces.Enqueue(piece);
        _move = move;
        return true;
    }

    private void Land(in ExpertMove move)
    {
        BufferView slot = _experts.MemoryOf(move.Layer, move.Slot);
        Recorder recorder = _device.CreateRecorder();
        recorder.BeginStage($"layer {move.Layer} expert {move.Expert}");
        recorder.Copy(_experts.Landing!.View.Slice(0, slot.Length), slot);
        using (Recording copy = recorder.Finish("expert"))
            _device.Queue.Wait(_device.Queue.Submit(copy, 0, 1));
        _experts.Put(move);
        _activity.Replace(move.Layer);
        _move = null;
    }

    public void Dispose() => _uploader.Dispose();
}
