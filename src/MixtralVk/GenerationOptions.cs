using System.Text;
using MixtralVk.Grammar;
using MixtralVk.Sampling;

namespace MixtralVk;

/// <summary>How a text is generated: how tokens are chosen, and when to stop.</summary>
public sealed record GenerationOptions : SamplingOptions
{
    private static readonly IReadOnlyList<string> UsualDryBreakers = ["\n", ":", "\"", "*"];

    /// <summary>Most tokens of one answer.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>
    /// Fewest tokens of one answer: until then the model cannot end it. A constraint with which nothing else can follow, a stop string and
    /// a full context still do.
    /// </summary>
    public int MinTokens { get; init; }

    /// <summary>Texts at which generation ends; they are not part of the answer.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>
    /// Texts that do not appear in an answer, however they are cut into tokens; the letters A to Z in either case. A token that would
    /// complete one is never chosen, so nothing is taken back. With a <see cref="Constraint"/> nothing is begun either that could only go
    /// on with one; only what is in all of the constraint's answers, such as the name of a property, is let be. The list is not to be
    /// changed.
    /// </summary>
    public IReadOnlyList<string> BannedStrings { get; init; } = [];

    /// <summary>Texts across which <see cref="SamplingOptions.DryMultiplier"/> sees no repetition. The list is not to be changed.</summary>
    public IReadOnlyList<string> DryBreakers { get; init; } = UsualDryBreakers;

    /// <summary>
    /// With each token, tell its probability (<see cref="GeneratedToken.LogProbability"/>) and so many of the likeliest tokens; null tells
    /// nothing. Takes some microseconds and an array per token.
    /// </summary>
    public int? LogProbabilities { get; init; }

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
        Require(MinTokens >= 0 && MinTokens <= MaxTokens, MinTokens, nameof(MinTokens), "between 0 and MaxTokens");
        Require(LogProbabilities is null or >= 0, LogProbabilities ?? 0, nameof(LogProbabilities), "at least 0");
        RequireTexts(StopStrings, nameof(StopStrings));
        RequireTexts(BannedStrings, nameof(BannedStrings));
        RequireTexts(DryBreakers, nameof(DryBreakers));
    }

    private static void RequireTexts(IReadOnlyList<string> texts, string name)
    {
        ArgumentNullException.ThrowIfNull(texts, name);
        Require(texts.All(text => !string.IsNullOrEmpty(text)), "", name, "texts that are not empty");
        Require(name == nameof(StopStrings) || texts.Sum(text => (long)Encoding.UTF8.GetByteCount(text)) <= StringAutomaton.MaxBytes,
            texts.Count, name,
            $"texts of at most {StringAutomaton.MaxBytes} bytes together");
    }
}
