namespace MixtralVk;

/// <summary>A token the model chose.</summary>
/// <param name="Id">The token; the one that ends a text is reported too.</param>
/// <param name="Text">
/// Text that became certain with it: never a part of a character, and empty while a character or a possible stop string is incomplete.
/// </param>
public readonly record struct GeneratedToken(int Id, string Text)
{
    /// <summary>
    /// Natural logarithm of its probability by the model alone; null unless <see cref="GenerationOptions.LogProbabilities"/> asks.
    /// </summary>
    public float? LogProbability { get; init; }

    /// <summary>
    /// The likeliest tokens in its place, the likeliest first; empty unless <see cref="GenerationOptions.LogProbabilities"/> asks.
    /// </summary>
    public IReadOnlyList<TokenProbability> Likeliest { get => field ?? []; init; }
}
