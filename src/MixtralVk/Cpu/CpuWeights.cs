using System.Diagnostics;
using MixtralVk.Loading;
using MixtralVk.Model;

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
    /// <summary>The experts, or the dense block.</summary>
    public LayerExperts Experts;
}

/// <summary>
/// All weights of a model: floats and read matrices in one block of main memory, mapped matrices in place. Matrices are in the row-tile
/// layout.
/// </summary>
internal sealed unsafe class CpuWeights : IDisposable
{
    private readonly HostTiles? _tiles;
    private readonly ExpertTable _experts;
    private readonly MappedTiles? _mapped;

    /// <summary>
    /// Lays out the memory and reads every weight, on <paramref name="threads"/> threads, but for the matrices that lie in
    /// <paramref name="mapped"/>, which belongs to this object from now on. Frees everything again when that fails.
    /// </summary>
    public CpuWeights(ModelSource source, MappedTiles? mapped, int threads, IProgress<LoadProgress>? progress,
        CancellationToken cancellation)
    {
        Config = source.Config;
        _mapped = mapped;
        _experts = new ExpertTable(Config);
        try
        {
            _tiles = new HostTiles(source, mapped, SizeOf(source, mapped is not null));
            Embedding = _tiles.Add(MatrixRole.TokenEmbedding);
            Layers = new CpuLayer[Config.LayerCount];
            for (int layer = 0; layer < Layers.Length; layer++) Layers[layer] = Layer(source, _tiles, layer);
            OutputNorm = _tiles.Add(source.Norm(NormRole.Output));
            Output = source.OutputIsEmbedding ? Embedding : _tiles.Add(MatrixRole.Output);
            long start = Stopwatch.GetTimestamp();
            _tiles.Read(threads, progress, cancellation);
            Transfer = new WeightTransfer(_tiles.Bytes, Stopwatch.GetElapsedTime(start), mapped is null ? 0 : source.Describe().TileBytes);
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
        _tiles?.Dispose();
        _experts.Dispose();
        _mapped?.Dispose();
    }

    private CpuLayer Layer(ModelSource source, HostTiles tiles, int layer) => new()
    {
        AttentionNorm = tiles.Add(source.Norm(NormRole.Attention, layer)),
        FeedForwardNorm = tiles.Add(source.Norm(NormRole.FeedForward, layer)),
        Router = Config.IsSparse ? tiles.Add(source.Router(layer)) : null,
        Query = tiles.Add(MatrixRole.Query, layer),
        Key = tiles.Add(MatrixRole.Key, layer),
        Value = tiles.Add(MatrixRole.Value, layer),
        AttentionOutput = tiles.Add(MatrixRole.AttentionOutput, layer),
        Experts = _experts.Add(tiles, layer),
    };

    private static long SizeOf(ModelSource source, bool floatsOnly)
    {
        ModelConfig config = source.Config;
        long norm = HostTiles.Padded(config.Dim * 4L),
            bytes = norm + config.LayerCount * (2 * norm + HostTiles.Padded((long)config.ExpertCount * config.Dim * 4));
        if (floatsOnly) return bytes;
        bytes += source.Layout(MatrixRole.TokenEmbedding).Bytes + ExpertTable.BytesOf(source);
        if (!source.OutputIsEmbedding) bytes += source.Layout(MatrixRole.Output).Bytes;
        for (int layer = 0; layer < config.LayerCount; layer++)
            foreach (MatrixRole role in (ReadOnlySpan<MatrixRole>)[MatrixRole.Query, MatrixRole.Key, MatrixRole.Value,
                MatrixRole.AttentionOutput])
                bytes += source.Layout(role, layer).Bytes;
        return bytes;
    }
}
