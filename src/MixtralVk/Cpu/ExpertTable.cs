using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>The matrices of one layer's experts in main memory, one of each per expert, or of the dense block.</summary>
internal unsafe struct LayerExperts
{
    /// <summary>(hidden, dim)</summary>
    public TiledMatrix* Gate, Up;
    /// <summary>(dim, hidden)</summary>
    public TiledMatrix* Down;
}

/// <summary>The experts of every layer: a table of matrices that lie elsewhere.</summary>
internal sealed unsafe class ExpertTable : IDisposable
{
    private readonly int _experts;
    private readonly NativeBuffer _matrices;
    private TiledMatrix* _next;

    /// <summary>Room for the experts of a model.</summary>
    public ExpertTable(ModelConfig config)
    {
        _experts = Math.Max(1, config.ExpertCount);
        _matrices = new NativeBuffer(3L * config.LayerCount * _experts * sizeof(TiledMatrix));
        _next = (TiledMatrix*)_matrices.Pointer;
    }

    /// <summary>Bytes of all experts of a model.</summary>
    public static long BytesOf(ModelSource source)
    {
        long bytes = 0;
        for (int layer = 0; layer < source.Config.LayerCount; layer++)
            for (int expert = 0; expert < Math.Max(1, source.Config.ExpertCount); expert++)
                bytes += ExpertLayout.Of(source, layer, expert).Bytes;
        return bytes;
    }

    /// <summary>Adds a layer's experts to <paramref name="tiles"/>; each layer once.</summary>
    public LayerExperts Add(HostTiles tiles, int layer) =>
        new() { Gate = Add(tiles, MatrixRole.GateProj, layer), Up = Add(tiles, MatrixRole.UpProj, layer),
            Down = Add(tiles, MatrixRole.DownProj, layer) };

    private TiledMatrix* Add(HostTiles tiles, MatrixRole role, int layer)
    {
        TiledMatrix* first = _next;
        for (int expert = 0; expert < _experts; expert++) *_next++ = tiles.Add(role, layer, expert);
        return first;
    }

    public void Dispose() => _matrices.Dispose();
}
