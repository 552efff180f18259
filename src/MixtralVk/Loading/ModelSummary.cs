using MixtralVk.Model;

namespace MixtralVk.Loading;

/// <summary>What a model file holds, for people and for deciding what fits a machine. Sizes are in bytes.</summary>
/// <param name="Architecture">Architecture the file names.</param>
/// <param name="FileBytes">Size of the file.</param>
/// <param name="Types">Tensors of the file by their type, most bytes first.</param>
/// <param name="WeightBytes">All weights as the engine keeps them (row tiles), a tied output matrix counted once.</param>
/// <param name="ExpertBytes">The experts' part of <paramref name="WeightBytes"/>; 0 for a dense model.</param>
/// <param name="BytesPerToken">Weights read to compute one token: everything but the embedding and the experts not chosen, those of a mean
/// size.</param>
public sealed record ModelSummary(
    string Architecture, long FileBytes, IReadOnlyList<TensorTypeCount> Types, long WeightBytes, long ExpertBytes, long BytesPerToken)
{
    /// <summary>Part of <see cref="WeightBytes"/> that is tiles: all but norms and routers.</summary>
    internal long TileBytes { get; private init; }

    /// <summary>Adds up the layouts of an opened model.</summary>
    internal static ModelSummary Of(ModelSource source, string architecture, long fileBytes, IReadOnlyList<TensorTypeCount> types)
    {
        ModelConfig config = source.Config;
        long embedding = source.Layout(MatrixRole.TokenEmbedding).Bytes, output = source.Layout(MatrixRole.Output).Bytes;
        long attention = 0, feedForward = 0, small = (long)config.Dim * sizeof(float);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            foreach (MatrixRole role in (ReadOnlySpan<MatrixRole>)[MatrixRole.Query, MatrixRole.Key, MatrixRole.Value,
                MatrixRole.AttentionOutput])
                attention += source.Layout(role, layer).Bytes;
            foreach (MatrixRole role in (ReadOnlySpan<MatrixRole>)[MatrixRole.GateProj, MatrixRole.UpProj, MatrixRole.DownProj])
                // Formats may differ.
                for (int expert = 0; expert < Math.Max(1, config.ExpertCount); expert++)
                    feedForward += source.Layout(role, layer, expert).Bytes;
            small += (long)config.Dim * (2 + config.ExpertCount) * sizeof(float);
        }
        long read = config.IsSparse ? feedForward / config.ExpertCount * config.ExpertsPerToken : feedForward;
        return new ModelSummary(
            architecture, fileBytes, types,
            WeightBytes: embedding + (source.OutputIsEmbedding ? 0 : output) + attention + feedForward + small,
            ExpertBytes: config.IsSparse ? feedForward : 0,
            BytesPerToken: output + attention + read + small)
        {
            TileBytes = embedding + (source.OutputIsEmbedding ? 0 : output) + attention + feedForward,
        };
    }
}

/// <summary>Tensors of one type.</summary>
/// <param name="Type">Name of the type, as ggml spells it.</param>
/// <param name="Count">Number of tensors.</param>
/// <param name="Bytes">Their bytes in the file.</param>
public readonly record struct TensorTypeCount(string Type, int Count, long Bytes);
