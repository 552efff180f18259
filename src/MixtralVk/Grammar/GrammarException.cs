namespace MixtralVk.Grammar;

/// <summary>A schema, pattern or grammar that cannot be used: what is wrong with it and where.</summary>
public sealed class GrammarException(string message) : MixtralException(message);
