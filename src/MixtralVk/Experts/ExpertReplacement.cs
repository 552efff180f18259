using System.Diagnostics;
using MixtralVk.Cpu;
using MixtralVk.Gpu;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Experts;

/// <summary>
/// Brings experts that are used often into the slots of those used little, between steps and piece by piece: beside the slots first, and to
/// its slot when all of it is there, by a copy on the device. So who leaves computes until then, and stays where anything fails. A piece is
/// copied on the device's transfer queue while steps go on, one at a time; where there is none on the queue of the steps, and waited for.
/// Not thread-safe.
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
    private UploadInFlight? _inFlight;              // the latest piece, on the transfer queue
    private readonly MeasuredTime _piece = new(), _copy = new(); // milliseconds

    public ExpertReplacement(GpuDevice device, DeviceExperts experts, CpuExperts host, ExpertUse use, ExpertActivity activity)
    {
        (_device, _experts, _host, _use, _activity) = (device, experts, host, use, activity);
        _uploader = new WeightUploader(device);
    }

    /// <summary>
    /// What <see cref="Run"/> is expected to take; NaN where it is not known, infinite while a piece is copied on the transfer queue, which
    /// only who has nothing else to do waits for; null where all experts lie well.
    /// </summary>
    public double? NextMilliseconds
    {
        get
        {
            if (_inFlight is not null && !_uploader.IsDone(_inFlight)) return double.PositiveInfinity;
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
            FinishPiece();
            long start = Stopwatch.GetTimestamp();
            if (_move is { } move && _pieces.Count == 0)
            {
                Land(move);
                _copy.Learn(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            else if (_move is not null || TryBegin())
            {
                Upload piece = _pieces.Peek();
                _inFlight = _uploader.Begin(piece);
                _pieces.Dequeue(); // handed over: a host's lock may throw
                if (_device.Transfers is null) FinishPiece();
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

    /// <summary>Gives up what is on its way, once nothing is written any more; it begins anew.</summary>
    /// <exception cref="DeviceLostException">The device is lost.</exception>
    public void Abandon()
    {
        _move = null;
        _pieces.Clear();
        FinishPiece();
    }

    /// <summary>The pieces of an expert, from main memory to <paramref name="to"/>.</summary>
    public static unsafe IEnumerable<Upload> UploadsOf(LayerExperts from, ExpertId id, ExpertWeights to, long pieceBytes)
    {
        return [.. Of(to.Gate, from.Gate[id.Expert]), .. Of(to.Up, from.Up[id.Expert]), .. Of(to.Down, from.Down[id.Expert])];

        IEnumerable<Upload> Of(GpuMatrix matrix, TiledMatrix tiles) => Upload.OfTiles(matrix, 0, matrix.Layout.Tiles,
            (first, _, bytes) => new ReadOnlySpan<byte>(tiles.Tile(first), bytes.Length).CopyTo(bytes), $"layer {id.Layer}", pieceBytes);
    }

    private void FinishPiece()
    {
        if (_inFlight is not { } piece) return;
        _inFlight = null;
        _uploader.Finish(piece);
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
        using Recording copy = recorder.Finish("expert");
        ulong before = _device.Queue.Submitted;
        try
        {
            _device.Queue.Wait(_device.Queue.Submit(copy, 0, 1));
        }
        finally
        {
            if (_device.Queue.Submitted > before) Put(move); // also where a host's lock throws after it has submitted
        }
    }

    private void Put(in ExpertMove move)
    {
        _experts.Put(move);
        _activity.Replace(move.Layer);
        _move = null;
    }

    /// <summary>The device has been waited for.</summary>
    public void Dispose()
    {
        _inFlight?.Dispose();
        _uploader.Dispose();
    }
}
