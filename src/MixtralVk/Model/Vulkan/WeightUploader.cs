using System.Collections.Concurrent;
using System.Diagnostics;
using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>Writes the bytes of an upload; called once, on any thread, with a span of exactly the destination's length.</summary>
internal delegate void FillBytes(Span<byte> bytes);

/// <summary>Writes so many tiles of a matrix from one on; called as <see cref="FillBytes"/> is.</summary>
internal delegate void FillTiles(int first, int count, Span<byte> bytes);

/// <summary>Something to bring to the device.</summary>
internal readonly record struct Upload(BufferView Destination, FillBytes Fill, string What)
{
    /// <summary>
    /// So many tiles to those of <paramref name="matrix"/> from <paramref name="firstTile"/> on, in pieces of at most so many bytes, or one
    /// tile.
    /// </summary>
    public static IEnumerable<Upload> OfTiles(GpuMatrix matrix, int firstTile, int tileCount, FillTiles fill, string what,
        long pieceBytes = WeightUploader.PieceBytes)
    {
        long tileBytes = matrix.Layout.TileBytes;
        int tilesPerPiece = (int)Math.Max(1, pieceBytes / tileBytes);
        for (int tile = 0; tile < tileCount; tile += tilesPerPiece)
        {
            (int first, int count) = (tile, Math.Min(tilesPerPiece, tileCount - tile));
            yield return new Upload(matrix.View.Slice((ulong)((firstTile + first) * tileBytes), (ulong)(count * tileBytes)),
                bytes => fill(first, count, bytes), what);
        }
    }
}

/// <summary>An upload that was handed over: its copy on the device, and the staging buffer it comes from.</summary>
internal sealed record UploadInFlight(GpuBuffer Staging, Recording Copy, ulong Ticket) : IDisposable
{
    /// <summary>Frees both; the copy is done, or the device lost.</summary>
    public void Dispose()
    {
        Copy.Dispose();
        Staging.Dispose();
    }
}

/// <summary>
/// Brings weights to the device: straight into its memory where it shares the host's, else through a few staging buffers, several pieces at
/// once, so that repacking on the CPU and copying overlap; copied on the device's transfer queue where there is one.
/// </summary>
internal sealed class WeightUploader : IDisposable
{
    /// <summary>Size of a piece in bytes; a single tile may be larger.</summary>
    public const long PieceBytes = 8 << 20;

    private readonly GpuDevice _device;
    private readonly GpuQueue _queue;
    private readonly bool _direct;
    private readonly ConcurrentBag<GpuBuffer> _staging = [];

    public WeightUploader(GpuDevice device) : this(device, device.WritesMemoryDirectly) { }

    /// <summary>With the way to go chosen by the caller: writing directly asks for memory the host sees.</summary>
    public WeightUploader(GpuDevice device, bool direct) =>
        (_device, _queue, _direct) = (device, device.Transfers ?? device.Queue, direct);

    /// <summary>All that was uploaded so far, and the time from the begin to the end of each run.</summary>
    public WeightTransfer Transfer { get; private set; }

    /// <summary>Runs all uploads and waits for them. On cancellation or failure the destinations hold garbage.</summary>
    public void Run(IReadOnlyList<Upload> uploads, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        long total = uploads.Sum(u => (long)u.Destination.Length);
        var done = new ByteProgress(progress, total);
        InParallel.ForEach(uploads, _device.Parallelism, upload =>
        {
            if (Begin(upload) is { } copy) Finish(copy);
            done.Add((long)upload.Destination.Length, upload.What);
        }, cancellation);
        Transfer = new WeightTransfer(Transfer.CopiedBytes + total, Transfer.CopyTime + Stopwatch.GetElapsedTime(start), 0);
    }

    /// <summary>
    /// Writes one upload on the calling thread and hands its copy over, to be finished; null where there is none to wait for. The compute
    /// queue may use anything but the destination meanwhile.
    /// </summary>
    public UploadInFlight? Begin(in Upload upload)
    {
        (GpuBuffer buffer, ulong offset, ulong length) = (upload.Destination.Buffer, upload.Destination.Offset, upload.Destination.Length);
        if (!_direct || !buffer.IsMapped) return Stage(upload);
        upload.Fill(buffer.Map<byte>(offset, length));
        return null;
    }

    /// <summary>Whether the copy is done.</summary>
    public bool IsDone(UploadInFlight upload) => _queue.IsDone(upload.Ticket);

    /// <summary>Waits for the copy: whatever is submitted from now on finds it.</summary>
    public void Finish(UploadInFlight upload)
    {
        try
        {
            _queue.Wait(upload.Ticket);
        }
        finally
        {
            upload.Copy.Dispose();
            _staging.Add(upload.Staging);
        }
        if (_queue != _device.Queue) _device.Queue.Await(_queue, upload.Ticket);
    }

    private UploadInFlight Stage(in Upload upload)
    {
        ulong length = upload.Destination.Length;
        if (!_staging.TryTake(out GpuBuffer? staging) || staging.Size < length)
        {
            staging?.Dispose();
            staging = _device.CreateBuffer(Math.Max(length, (ulong)PieceBytes), BufferUse.Upload, "weight staging");
        }
        try
        {
            upload.Fill(staging.Map<byte>(0, length));
            staging.Flush();
            return HandOver(upload, staging);
        }
        catch
        {
            _staging.Add(staging);
            throw;
        }
    }

    private UploadInFlight HandOver(in Upload upload, GpuBuffer staging)
    {
        Recorder recorder = _device.CreateRecorder(_queue);
        recorder.BeginStage(upload.What);
        recorder.Copy(staging.View.Slice(0, upload.Destination.Length), upload.Destination);
        Recording copy = recorder.Finish("weight upload");
        try
        {
            // What the compute queue made of the destination is over, and is overwritten.
            if (_queue != _device.Queue) _queue.Await(_device.Queue, _device.Queue.Submitted);
            return new UploadInFlight(staging, copy, _queue.Submit(copy, 0, 1));
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (GpuBuffer staging in _staging) staging.Dispose();
    }
}
