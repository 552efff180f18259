using System.Diagnostics;
using System.Runtime.ExceptionServices;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu;

/// <summary>The weights of one layer.</summary>
internal unsafe struct CpuLayer
{
    /// <summary>(dim)</summary>
    public float* AttentionNorm, FeedForwardNorm;
    /// <summary>(experts, dim); null in a dense model.</summary>
    public float* Router;
    /// <summary>Projections of attention.</summary>
    public TiledMatrix Query, Key, Value, AttentionOutput;
    /// <summary>One per expert, or one of the dense block.</summary>
    public TiledMatrix* Gate, Up, Down;
}

/// <summary>All weights of a model: floats and read matrices in one block of main memory, mapped matrices in place. Matrices are in the row-tile layout.</summary>
internal sealed unsafe class CpuWeights : IDisposable
{
    private const int JobBytes = 4 << 20;

    private readonly record struct Job(MatrixRole Role, int Layer, int Expert, TiledMatrix Matrix, int FirstTile, int TileCount);

    private readonly List<Job> _jobs = [];
    private readonly NativeBuffer _data, _tables;
    private readonly MappedTiles? _mapped;
    private byte* _nextByte;
    private TiledMatrix* _nextTable;

    /// <summary>
    /// Lays out the memory and reads every weight, on <paramref name="threads"/> threads, but for the matrices that lie in
    /// <paramref name="mapped"/>, which belongs to this object from now on. Frees everything again when that fails.
    /// </summary>
    public CpuWeights(ModelSource source, MappedTiles? mapped, int threads, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        Config = source.Config;
        _mapped = mapped;
        int experts = Math.Max(1, Config.ExpertCount);
        _tables = new NativeBuffer(3L * Config.LayerCount * experts * sizeof(TiledMatrix));
        _nextTable = (TiledMatrix*)_tables.Pointer;
        try
        {
            _data = new NativeBuffer(SizeOf(source, mapped is not null));
            _nextByte = _data.Pointer;
            Embedding = Matrix(source, MatrixRole.TokenEmbedding);
            Layers = new CpuLayer[Config.LayerCount];
            for (int layer = 0; layer < Layers.Length; layer++) Layers[layer] = Layer(source, layer);
            OutputNorm = Floats(source.Norm(NormRole.Output));
            Output = source.OutputIsEmbedding ? Embedding : Matrix(source, MatrixRole.Output);
            long start = Stopwatch.GetTimestamp();
            Fill(source, threads, progress, cancellation);
            Transfer = new WeightTransfer(_data.Bytes, Stopwatch.GetElapsedTime(start), mapped is null ? 0 : source.Describe().TileBytes);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The model's sizes.</summary>
    public ModelConfig Config { get; }

    /// <summary>What was read, and how fast.</summary>
    public WeightTransfer Transfer { get; }

    /// <summary>(vocab, dim)</summary>
    public TiledMatrix Embedding { get; }

    /// <summary>(vocab, dim)</summary>
    public TiledMatrix Output { get; }

    /// <summary>(dim)</summary>
    public float* OutputNorm { get; }

    /// <summary>The layers in order.</summary>
    public CpuLayer[] Layers { get; }

    public void Dispose()
    {
        _data?.Dispose();
        _tables.Dispose();
        _mapped?.Dispose();
    }

    private CpuLayer Layer(ModelSource source, int layer) => new()
    {
        AttentionNorm = Floats(source.Norm(NormRole.Attention, layer)),
        FeedForwardNorm = Floats(source.Norm(NormRole.FeedForward, layer)),
        Router = Config.IsSparse ? Floats(source.Router(layer)) : null,
        Query = Matrix(source, MatrixRole.Query, layer),
        Key = Matrix(source, MatrixRole.Key, layer),
        Value = Matrix(source, MatrixRole.Value, layer),
        AttentionOutput = Matrix(source, MatrixRole.AttentionOutput, layer),
        Gate = Experts(source, MatrixRole.GateProj, layer),
        Up = Experts(source, MatrixRole.UpProj, layer),
        Down = Experts(source, MatrixRole.DownProj, layer),
    };

    private TiledMatrix* Experts(ModelSource source, MatrixRole role, int layer)
    {
        TiledMatrix* first = _nextTable;
        for (int expert = 0; expert < Math.Max(1, Config.ExpertCount); expert++) *_nextTable++ = Matrix(source, role, layer, expert);
        return first;
    }

    private TiledMatrix Matrix(ModelSource source, MatrixRole role, int layer = 0, int expert = 0)
    {
        RowTileLayout layout = source.Layout(role, layer, expert);
        if (_mapped is not null) return new TiledMatrix(layout, _mapped.Of(role, layer, expert));
        var matrix = new TiledMatrix(layout, _nextByte);
        _nextByte += layout.Bytes;
        int tilesPerJob = (int)Math.Clamp(JobBytes / layout.TileBytes, 1, layout.Tiles);
        for (int tile = 0; tile < layout.Tiles; tile += tilesPerJob)
            _jobs.Add(new Job(role, layer, expert, matrix, tile, Math.Min(tilesPerJob, layout.Tiles - tile)));
        return matrix;
    }

    private float* Floats(float[] values)
    {
        var first = (float*)_nextByte;
        values.CopyTo(new Span<float>(first, values.Length));
        _nextByte += Padded(values.Length * 4L);
        return first;
    }

    private void Fill(ModelSource source, int threads, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        long done = 0;
        var gate = new object();
        try
        {
            Parallel.ForEach(_jobs, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation }, job =>
            {
                long bytes = job.TileCount * job.Matrix.Layout.TileBytes;
                source.CopyTiles(job.Role, job.Layer, job.Expert, job.FirstTile, job.TileCount,
                    new Span<byte>(job.Matrix.Tile(job.FirstTile), checked((int)bytes)));
                lock (gate)
                    progress?.Report(new LoadProgress(done += bytes, _data.Bytes, NameOf(job)));
            });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
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

    private static long SizeOf(ModelSource source, bool floatsOnly)
    {
        ModelConfig config = source.Config;
        long norm = Padded(config.Dim * 4L), bytes = norm + config.LayerCount * (2 * norm + Padded((long)config.ExpertCount * config.Dim * 4));
        if (floatsOnly) return bytes;
        bytes += source.Layout(MatrixRole.TokenEmbedding).Bytes;
        if (!source.OutputIsEmbedding) bytes += source.Layout(MatrixRole.Output).Bytes;
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            foreach (MatrixRole role in (ReadOnlySpan<MatrixRole>)[MatrixRole.Query, MatrixRole.Key, MatrixRole.Value, MatrixRole.AttentionOutput])
                bytes += source.Layout(role, layer).Bytes;
            for (int expert = 0; expert < Math.Max(1, config.ExpertCount); expert++)
                foreach (MatrixRole role in (ReadOnlySpan<MatrixRole>)[MatrixRole.GateProj, MatrixRole.UpProj, MatrixRole.DownProj])
                    bytes += source.Layout(role, layer, expert).Bytes;
        }
        return bytes;
    }

    private static long Padded(long bytes) => (bytes + RowTileLayout.TileAlignment - 1) / RowTileLayout.TileAlignment * RowTileLayout.TileAlignment;
}
