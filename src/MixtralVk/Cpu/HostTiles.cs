using MixtralVk.Loading;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu;

/// <summary>
/// Weights of a model in main memory: matrices in the row-tile layout, read into one block or in place where the file is mapped, and floats
/// beside them. Added first, then read all at once.
/// </summary>
internal sealed unsafe class HostTiles : IDisposable
{
    private const int JobBytes = 4 << 20;

    private readonly record struct Job(MatrixRole Role, int Layer, int Expert, TiledMatrix Matrix, int FirstTile, int TileCount);

    private readonly List<Job> _jobs = [];
    private readonly ModelSource _source;
    private readonly MappedTiles? _mapped;
    private readonly NativeBuffer _data;
    private byte* _nextByte;

    /// <param name="source">The opened model; not needed any more after <see cref="Read"/>.</param>
    /// <param name="mapped">Where its matrices are mapped, else null; must outlive this object.</param>
    /// <param name="bytes">For everything that will be added, mapped matrices not counted.</param>
    public HostTiles(ModelSource source, MappedTiles? mapped, long bytes)
    {
        (_source, _mapped) = (source, mapped);
        _data = new NativeBuffer(bytes);
        _nextByte = _data.Pointer;
    }

    /// <summary>Bytes that are not mapped.</summary>
    public long Bytes => _data.Bytes;

    /// <summary>What floats take of the block.</summary>
    public static long Padded(long bytes) =>
        (bytes + RowTileLayout.TileAlignment - 1) / RowTileLayout.TileAlignment * RowTileLayout.TileAlignment;

    /// <summary>A matrix of the model; its tiles are there after <see cref="Read"/>.</summary>
    public TiledMatrix Add(MatrixRole role, int layer = 0, int expert = 0)
    {
        RowTileLayout layout = _source.Layout(role, layer, expert);
        if (_mapped is not null) return new TiledMatrix(layout, _mapped.Of(role, layer, expert));
        var matrix = new TiledMatrix(layout, _nextByte);
        _nextByte += layout.Bytes;
        int tilesPerJob = (int)Math.Clamp(JobBytes / layout.TileBytes, 1, layout.Tiles);
        for (int tile = 0; tile < layout.Tiles; tile += tilesPerJob)
            _jobs.Add(new Job(role, layer, expert, matrix, tile, Math.Min(tilesPerJob, layout.Tiles - tile)));
        return matrix;
    }

    /// <summary>A copy of floats.</summary>
    public float* Add(float[] values)
    {
        var first = (float*)_nextByte;
        values.CopyTo(new Span<float>(first, values.Length));
        _nextByte += Padded(values.Length * 4L);
        return first;
    }

    /// <summary>Reads what was added and is not mapped, on so many threads.</summary>
    public void Read(int threads, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        var done = new ByteProgress(progress, _data.Bytes);
        InParallel.ForEach(_jobs, threads, job =>
        {
            long bytes = job.TileCount * job.Matrix.Layout.TileBytes;
            _source.CopyTiles(job.Role, job.Layer, job.Expert, job.FirstTile, job.TileCount,
                new Span<byte>(job.Matrix.Tile(job.FirstTile), checked((int)bytes)));
            done.Add(bytes, NameOf(job));
        }, cancellation);
        _jobs.Clear();
        progress?.Report(new LoadProgress(_data.Bytes, _data.Bytes, "all weights"));
    }

    private static string NameOf(Job job) => job.Role switch
    {
        MatrixRole.TokenEmbedding => "embedding",
        MatrixRole.Output => "output",
        MatrixRole.Query or MatrixRole.Key or MatrixRole.Value or MatrixRole.AttentionOutput or MatrixRole.GateProj or MatrixRole.UpProj
            or MatrixRole.DownProj => $"layer {job.Layer}",
    };

    public void Dispose() => _data.Dispose();
}
