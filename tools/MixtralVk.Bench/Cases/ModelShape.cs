using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Quantization;

namespace MixtralVk.Bench;

/// <summary>A matrix of a model in one format.</summary>
internal readonly record struct Matrix(WeightFormat Format, int Rows, int Cols)
{
    public override string ToString() => $"{Rows}x{Cols}";
}

/// <summary>What the bench needs to know of a model: the sizes, and the matrices by the kernel that multiplies with them.</summary>
/// <param name="Name">For people.</param>
/// <param name="Config">Sizes.</param>
/// <param name="Products">Matrices that every token meets.</param>
/// <param name="GateUps">Gate and up matrices of one expert (or of a dense block).</param>
/// <param name="Downs">Its down matrices.</param>
/// <param name="Embeddings">Embedding matrices.</param>
internal sealed record ModelShape(string Name, ModelConfig Config, IReadOnlyList<Matrix> Products, IReadOnlyList<Matrix> GateUps,
    IReadOnlyList<Matrix> Downs,
    IReadOnlyList<Matrix> Embeddings)
{
    /// <summary>
    /// Mixtral 8x7B (arXiv 2401.04088, table 1), its matrices in every format. The products with the shapes of an expert are there to be
    /// compared with those of the expert kernels.
    /// </summary>
    public static ModelShape Mixtral { get; } = OfMixtral();

    /// <summary>The shapes and formats of a model file. Throws <see cref="ModelFileException"/> when it cannot be used.</summary>
    public static ModelShape Of(string path)
    {
        using ModelSource source = ModelSource.Open(path);
        ModelConfig config = source.Config;
        int experts = Math.Max(1, config.ExpertCount);
        IEnumerable<(int Layer, int Expert)> places =
            from layer in Enumerable.Range(0, config.LayerCount) from expert in Enumerable.Range(0, experts) select (layer, expert);
        Matrix[] In(params MatrixRole[] roles) =>
            [.. places.SelectMany(p => roles.Select(role => Of(source.Layout(role, p.Layer, p.Expert)))).Distinct()];
        Matrix[] OfLayers(params MatrixRole[] roles) => [.. Enumerable.Range(0, config.LayerCount)
            .SelectMany(layer => roles.Select(role => Of(source.Layout(role, layer)))).Distinct()];
        Matrix[] products = [.. OfLayers(MatrixRole.Query, MatrixRole.Key, MatrixRole.Value, MatrixRole.AttentionOutput)
            .Append(Of(source.Layout(MatrixRole.Output))).Distinct()];
        return new ModelShape(Path.GetFileName(path), config, products, In(MatrixRole.GateProj), In(MatrixRole.DownProj),
            [Of(source.Layout(MatrixRole.TokenEmbedding))]);
    }

    private static ModelShape OfMixtral()
    {
        var config = new ModelConfig
        {
            Name = "Mixtral 8x7B", LayerCount = 32, Dim = 4096, HeadCount = 32, KvHeadCount = 8, HeadDim = 128, HiddenDim = 14336,
            ExpertCount = 8, ExpertsPerToken = 2,
            VocabSize = 32000, ContextLength = 32768, RopeBase = 1e6f, RopeDim = 128, RmsEpsilon = 1e-5f,
        };
        WeightFormat[] formats = Enum.GetValues<WeightFormat>();
        Matrix[] InAll(params (int Rows, int Cols)[] shapes) =>
            [.. formats.SelectMany(format => shapes.Select(s => new Matrix(format, s.Rows, s.Cols)))];
        (int, int) up = (config.HiddenDim, config.Dim), down = (config.Dim, config.HiddenDim);
        return new ModelShape("Mixtral 8x7B", config,
            InAll((config.QueryDim, config.Dim), (config.KvDim, config.Dim), up, down, (config.VocabSize, config.Dim)),
            InAll(up), InAll(down), InAll((config.VocabSize, config.Dim)));
    }

    private static Matrix Of(RowTileLayout layout) => new(layout.Format, layout.Rows, layout.Cols);
}
