using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Packing;

/// <summary>What a tensor of a packed file is for; the first ones are the matrices of <see cref="MatrixRole"/>, kept as tiles.</summary>
internal enum TensorRole
{
    TokenEmbedding, Query, Key, Value, AttentionOutput, GateProj, UpProj, DownProj, Output,
    AttentionNorm, FeedForwardNorm, FinalNorm, Router,
}

/// <summary>Names one tensor; layer and expert are 0 where they mean nothing.</summary>
internal readonly record struct TensorKey(TensorRole Role, int Layer = 0, int Expert = 0)
{
    /// <summary>Kept in the row-tile layout; the others are plain floats, row by row.</summary>
    public bool IsTiled => Role <= TensorRole.Output;

    public static TensorKey Of(MatrixRole role, int layer, int expert) => role switch
    {
        MatrixRole.TokenEmbedding => new(TensorRole.TokenEmbedding),
        MatrixRole.Output => new(TensorRole.Output),
        MatrixRole.Query => new(TensorRole.Query, layer),
        MatrixRole.Key => new(TensorRole.Key, layer),
        MatrixRole.Value => new(TensorRole.Value, layer),
        MatrixRole.AttentionOutput => new(TensorRole.AttentionOutput, layer),
        MatrixRole.GateProj => new(TensorRole.GateProj, layer, expert),
        MatrixRole.UpProj => new(TensorRole.UpProj, layer, expert),
        MatrixRole.DownProj => new(TensorRole.DownProj, layer, expert),
    };

    public static TensorKey Of(NormRole role, int layer) => role switch
    {
        NormRole.Attention => new(TensorRole.AttentionNorm, layer),
        NormRole.FeedForward => new(TensorRole.FeedForwardNorm, layer),
        NormRole.Output => new(TensorRole.FinalNorm),
    };

    /// <summary>The matrix role of a tiled tensor.</summary>
    public MatrixRole MatrixRole => Role switch
    {
        TensorRole.TokenEmbedding => MatrixRole.TokenEmbedding,
        TensorRole.Query => MatrixRole.Query,
        TensorRole.Key => MatrixRole.Key,
        TensorRole.Value => MatrixRole.Value,
        TensorRole.AttentionOutput => MatrixRole.AttentionOutput,
        TensorRole.GateProj => MatrixRole.GateProj,
        TensorRole.UpProj => MatrixRole.UpProj,
        TensorRole.DownProj => MatrixRole.DownProj,
        TensorRole.Output => MatrixRole.Output,
        TensorRole.AttentionNorm or TensorRole.FeedForwardNorm or TensorRole.FinalNorm or TensorRole.Router =>
            throw new InvalidOperationException($"{Role} is no matrix of tiles."),
    };

    /// <summary>
    /// The tensors of a model in the order of the file: the small ones, which every start reads, then the tiles by layer.
    /// </summary>
    public static IEnumerable<TensorKey> AllOf(ModelConfig config, bool outputIsEmbedding)
    {
        yield return new TensorKey(TensorRole.FinalNorm);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            yield return new TensorKey(TensorRole.AttentionNorm, layer);
            yield return new TensorKey(TensorRole.FeedForwardNorm, layer);
            if (config.IsSparse) yield return new TensorKey(TensorRole.Router, layer);
        }
        yield return new TensorKey(TensorRole.TokenEmbedding);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            for (TensorRole role = TensorRole.Query; role <= TensorRole.AttentionOutput; role++) yield return new TensorKey(role, layer);
            for (int expert = 0; expert < Math.Max(1, config.ExpertCount); expert++)
                for (TensorRole role = TensorRole.GateProj; role <= TensorRole.DownProj; role++)
                    yield return new TensorKey(role, layer, expert);
        }
        if (!outputIsEmbedding) yield return new TensorKey(TensorRole.Output);
    }

    /// <summary>Rows and columns the model's sizes want.</summary>
    public (int Rows, int Cols) ShapeIn(ModelConfig config) => Role switch
    {
        TensorRole.TokenEmbedding or TensorRole.Output => (config.VocabSize, config.Dim),
        TensorRole.Query => (config.QueryDim, config.Dim),
        TensorRole.Key or TensorRole.Value => (config.KvDim, config.Dim),
        TensorRole.AttentionOutput => (config.Dim, config.QueryDim),
        TensorRole.GateProj or TensorRole.UpProj => (config.HiddenDim, config.Dim),
        TensorRole.DownProj => (config.Dim, config.HiddenDim),
        TensorRole.AttentionNorm or TensorRole.FeedForwardNorm or TensorRole.FinalNorm => (1, config.Dim),
        TensorRole.Router => (config.ExpertCount, config.Dim),
    };

    public override string ToString() => Role switch
    {
        TensorRole.TokenEmbedding or TensorRole.Output or TensorRole.FinalNorm => $"{Role}",
        TensorRole.GateProj or TensorRole.UpProj or TensorRole.DownProj => $"{Role} of layer {Layer}, expert {Expert}",
        TensorRole.Query or TensorRole.Key or TensorRole.Value or TensorRole.AttentionOutput or TensorRole.AttentionNorm
            or TensorRole.FeedForwardNorm or TensorRole.Router => $"{Role} of layer {Layer}",
    };
}
