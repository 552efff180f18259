namespace MixtralVk.Sampling;

/// <summary>
/// How the next token is chosen. The steps, in this order: repetition penalty, top-k, top-p, min-p, temperature, draw. The cuts look at the
/// model's own probabilities (temperature 1), so a high temperature does not let more unlikely tokens in.
/// </summary>
public record SamplingOptions
{
    /// <summary>0 always takes the likeliest token (of equal ones the lower id); 1 draws from the model's probabilities.</summary>
    public float Temperature { get; init; } = 0.7f;

    /// <summary>Only the so many likeliest tokens; 0 for no such cut.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Only the likeliest tokens that together reach this probability; 1 for no such cut.</summary>
    public float TopP { get; init; } = 0.95f;

    /// <summary>Only tokens at least this many times as likely as the likeliest; 0 for no such cut.</summary>
    public float MinP { get; init; } = 0.05f;

    /// <summary>Divides the positive logits, and multiplies the negative ones, of tokens among the last <see cref="RepetitionWindow"/>; 1 for none.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>How many of the last tokens, of the prompt too, the repetition penalty looks at.</summary>
    public int RepetitionWindow { get; init; } = 64;

    /// <summary>The same seed, options and logits give the same tokens; null takes a new seed each time (<see cref="Sampler.Seed"/>).</summary>
    public ulong? Seed { get; init; }

    /// <summary>Throws <see cref="ArgumentOutOfRangeException"/> naming the first option that is out of its range.</summary>
    public virtual void Validate()
    {
        Require(Temperature is >= 0 and <= float.MaxValue, Temperature, nameof(Temperature), "at least 0");
        Require(TopK >= 0, TopK, nameof(TopK), "at least 0");
        Require(TopP is > 0 and <= 1, TopP, nameof(TopP), "above 0 and at most 1");
        Require(MinP is >= 0 and <= 1, MinP, nameof(MinP), "between 0 and 1");
        Require(RepetitionPenalty is > 0 and <= float.MaxValue, RepetitionPenalty, nameof(RepetitionPenalty), "above 0");
        Require(RepetitionWindow is >= 0 and <= 1 << 20, RepetitionWindow, nameof(RepetitionWindow), "between 0 and 1048576");
    }

    private protected static void Require(bool holds, object value, string name, string range)
    {
        if (!holds) throw new ArgumentOutOfRangeException(name, value, $"{name} must be {range}.");
    }
}
