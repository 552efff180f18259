using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
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

/// <summary>
/// Brings weights to the device: straight into its memory where it shares the host's, else through a few staging buffers, several pieces at
/// once, so that repacking on the CPU and copying overlap.
/// </summary>
internal sealed class WeightUploader : IDisposable
{
    /// <summary>Size of a piece in bytes; a single tile may be larger.</summary>
    public const long PieceBytes = 8 << 20;

    private readonly GpuDevice _device;
    private readonly bool _direct;
    private readonly ConcurrentBag<GpuBuffer> _staging = [];

    public WeightUploader(GpuDevice device) : this(device, device.WritesMemoryDirectly) { }

    /// <summary>With the way to go chosen by the caller: writing directly asks for memory the host sees.</summary>
    public WeightUploader(GpuDevice device, bool direct) => (_device, _direct) = (device, direct);

    /// <summary>All that was uploaded so far, and the time from the begin to the end of each run.</summary>
    public WeightTransfer Transfer { get; private set; }

    /// <summary>Runs all uploads and waits for them. On cancellation or failure the destinations hold garbage.</summary>
    public void Run(IReadOnlyList<Upload> uploads, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        long total = uploads.Sum(u => (long)u.Destination.Length), done = 0;
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        try
        {
            Parallel.ForEach(uploads, options, upload =>
            {
                Bring(upload);
                progress?.Report(new LoadProgress(Interlocked.Add(ref done, (long)upload.Destination.Length), total, upload.What));
            });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
        Transfer = new WeightTransfer(Transfer.CopiedBytes + total, Transfer.CopyTime + Stopwatch.GetElapsedTime(start), 0);
    }

    /// <summary>Runs one upload on the calling thread and waits for it.</summary>
    public void Run(in Upload upload)
    {
        long start = Stopwatch.GetTimestamp();
        Bring(upload);
        Transfer = new WeightTransfer(Transfer.CopiedBytes + (long)upload.Destination.Length,
            Transfer.CopyTime + Stopwatch.GetElapsedTime(start), 0);
    }

    private void Bring(in Upload upload)
    {
        (GpuBuffer buffer, ulong offset, ulong length) = (upload.Destination.Buffer, upload.Destination.Offset, upload.Destination.Length);
        if (_direct && buffer.IsMapped) upload.Fill(buffer.Map<byte>(offset, length));
        else Stage(upload);
    }

    private void Stage(in Upload upload)
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
            Recorder recorder = _device.CreateRecorder();
            recorder.BeginStage(upload.What);
            recorder.Copy(staging.View.Slice(0, length), upload.Destination);
            using Recording copy = recorder.Finish("weight upload");
            _device.Queue.Wait(_device.Queue.Submit(copy, 0, 1));
        }
        finally
        {
            _staging.Add(staging);
        }
    }

    public void Dispose()
    {
        foreach (GpuBuffer staging in _staging) staging.Dispose();
    }
}
