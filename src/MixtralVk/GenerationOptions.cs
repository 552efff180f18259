using MixtralVk.Grammar;
using MixtralVk.Sampling;

namespace MixtralVk;

/// <summary>How a text is generated: how tokens are chosen, and when to stop.</summary>
public sealed record GenerationOptions : SamplingOptions
{
    /// <summary>Most tokens of one answer.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>Texts at which generation ends; they are not part of the answer.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>
    /// What the answer must look like; null for any text. The answer is then kept completable within <see cref="MaxTokens"/>; a limit below
    /// the shortest possible answer throws <see cref="GrammarException"/> before anything is generated.
    /// </summary>
    public Constraint? Constraint { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require(MaxTokens > 0, MaxTokens, nameof(MaxTokens), "at least 1");
        foreach (string stop in StopStrings) Require(!string.IsNullOrEmpty(stop), "", nameof(StopStrings), "texts that are not empty");
    }
}
