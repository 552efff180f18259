namespace MixtralVk.Grammar;

/// <summary>
/// How large a constraint may become; for schemas from strangers. What exceeds it is refused with <see cref="GrammarException"/>.
/// </summary>
public sealed record ConstraintLimits
{
    /// <summary>Most characters of a schema, pattern or grammar.</summary>
    public int MaxSourceLength { get; init; } = 256 * 1024;

    /// <summary>Most states of the automaton it is compiled to.</summary>
    public int MaxStates { get; init; } = 200_000;

    /// <summary>Most positions of the automaton a text may be in at once: bounds the time of a step in an ambiguous grammar.</summary>
    public int MaxAmbiguity { get; init; } = 1024;

    /// <summary>The usual limits.</summary>
    public static ConstraintLimits Default { get; } = new();
}
