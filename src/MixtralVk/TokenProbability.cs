namespace MixtralVk;

/// <summary>How likely the model thought a token to be.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProbability">Natural logarithm of its probability by the model alone: temperature 1, before any penalty, cut or
/// constraint.</param>
public readonly record struct TokenProbability(int Id, float LogProbability);
