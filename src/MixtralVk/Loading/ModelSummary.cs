namespace MixtralVk.Loading;

/// <summary>What a model file holds, for people and for deciding what fits a machine. Sizes are in bytes.</summary>
/// <param name="Architecture">Architecture the file names.</param>
/// <param name="FileBytes">Size of the file.</param>
/// <param name="Types">Tensors of the file by their type, most bytes first.</param>
/// <param name="WeightBytes">All weights as the engine keeps them (row tiles), a tied output matrix counted once.</param>
/// <param name="ExpertBytes">The experts' part of <paramref name="WeightBytes"/>; 0 for a dense model.</param>
/// <param name="BytesPerToken">Weights read to compute one token: everything but the embedding and the experts not chosen.</param>
public sealed record ModelSummary(
    string Architecture, long FileBytes, IReadOnlyList<TensorTypeCount> Types, long WeightBytes, long ExpertBytes, long BytesPerToken);

/// <summary>Tensors of one type.</summary>
/// <param name="Type">Name of the type, as ggml spells it.</param>
/// <param name="Count">Number of tensors.</param>
/// <param name="Bytes">Their bytes in the file.</param>
public readonly record struct TensorTypeCount(string Type, int Count, long Bytes);
