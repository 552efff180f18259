namespace MixtralVk.Sampling;

/// <summary>
/// How the next token is chosen. The steps and their usual order are those of <see cref="SamplingStep"/>; docs/sampling.md defines each. In
/// the usual order the cuts look at the model's own probabilities (temperature 1), so a high temperature does not let more unlikely tokens
/// in.
/// </summary>
public record SamplingOptions
{
    /// <summary>The usual order: that of <see cref="SamplingStep"/>.</summary>
    public static IReadOnlyList<SamplingStep> UsualOrder { get; } = Array.AsReadOnly(Enum.GetValues<SamplingStep>());

    /// <summary>
    /// 0 always takes the likeliest token (of equal ones the lower id), whatever the cuts; 1 draws from the model's probabilities.
    /// </summary>
    public float Temperature { get; init; } = 0.7f;

    /// <summary>
    /// The temperature moves by at most this to both sides of <see cref="Temperature"/>: down where the model is sure of the next token, up
    /// where it is not; 0 for a fixed one.
    /// </summary>
    public float DynamicTemperatureRange { get; init; }

    /// <summary>How the temperature rises with the model's uncertainty (entropy over its largest value, to this power).</summary>
    public float DynamicTemperatureExponent { get; init; } = 1;

    /// <summary>Only the so many likeliest tokens; 0 for no such cut.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Only the likeliest tokens that together reach this probability; 1 for no such cut.</summary>
    public float TopP { get; init; } = 0.95f;

    /// <summary>Only tokens at least this many times as likely as the likeliest; 0 for no such cut.</summary>
    public float MinP { get; init; } = 0.05f;

    /// <summary>
    /// Only the tokens whose surprise is nearest to the expected one, until they together exceed this probability; 1 for no such cut.
    /// </summary>
    public float TypicalP { get; init; } = 1;

    /// <summary>Only tokens whose logit is at most this many standard deviations below the largest; 0 for no such cut.</summary>
    public float TopNSigma { get; init; }

    /// <summary>
    /// How often, by chance, all but the least likely of the tokens above <see cref="XtcThreshold"/> are taken away; 0 for never.
    /// </summary>
    public float XtcProbability { get; init; }

    /// <summary>Probability from which on a token is an obvious one; above 0.5 there is never a second one, and nothing happens.</summary>
    public float XtcThreshold { get; init; } = 0.1f;

    /// <summary>
    /// Surprise in bits per token that the text is held at by Mirostat 2, which then replaces every cut; 0 for none. 5 is usual: lower is
    /// more coherent.
    /// </summary>
    public float MirostatTau { get; init; }

    /// <summary>How fast Mirostat corrects itself.</summary>
    public float MirostatEta { get; init; } = 0.1f;

    /// <summary>
    /// Divides the positive logits, and multiplies the negative ones, of tokens among the last <see cref="RepetitionWindow"/>; 1 for none.
    /// </summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Taken from a token's logit for each time it is among the last <see cref="RepetitionWindow"/>.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Taken from a token's logit when it is among the last <see cref="RepetitionWindow"/>.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>How many of the last tokens, of the prompt too, the three penalties look at.</summary>
    public int RepetitionWindow { get; init; } = 64;

    /// <summary>Strength of the penalty for going on with a repetition (DRY); 0 for none, 0.8 is usual.</summary>
    public float DryMultiplier { get; init; }

    /// <summary>By how much that penalty grows with each repeated token.</summary>
    public float DryBase { get; init; } = 1.75f;

    /// <summary>Repeated tokens from which on there is a penalty.</summary>
    public int DryAllowedLength { get; init; } = 2;

    /// <summary>How many of the last tokens are searched for repetitions.</summary>
    public int DryWindow { get; init; } = 2048;

    /// <summary>Added to the logits of single tokens; negative infinity forbids one.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = System.Collections.ObjectModel.ReadOnlyDictionary<int, float>.Empty;

    /// <summary>Samplers of the caller's own, called one after the other; null for none.</summary>
    public LogitsAdjuster? Adjust { get; init; }

    /// <summary>
    /// The steps in another order. A step that is left out is not done; without <see cref="SamplingStep.Temperature"/> the temperature is
    /// 1. At <see cref="Temperature"/> 0 only the order of the steps that change logits counts.
    /// </summary>
    public IReadOnlyList<SamplingStep> Order { get; init; } = UsualOrder;

    /// <summary>
    /// The same seed, options and logits give the same tokens; null takes a new seed each time (<see cref="Sampler.Seed"/>).
    /// </summary>
    public ulong? Seed { get; init; }

    /// <summary>How many of the last tokens of a text choosing the next one looks at.</summary>
    public int HistoryLength =>
        Math.Max(Adjust is null && !Penalties.AreOn(this) ? 0 : RepetitionWindow, DryPenalty.IsOn(this) ? DryWindow : 0);

    /// <summary>Throws <see cref="ArgumentOutOfRangeException"/> naming the first option that is out of its range.</summary>
    public virtual void Validate()
    {
        Require(Temperature is >= 0 and <= float.MaxValue, Temperature, nameof(Temperature), "at least 0");
        Require(DynamicTemperatureRange is >= 0 and <= float.MaxValue, DynamicTemperatureRange,
            nameof(DynamicTemperatureRange), "at least 0");
        Require(DynamicTemperatureExponent is >= 0 and <= float.MaxValue, DynamicTemperatureExponent,
            nameof(DynamicTemperatureExponent), "at least 0");
        Require(TopK >= 0, TopK, nameof(TopK), "at least 0");
        Require(TopP is > 0 and <= 1, TopP, nameof(TopP), "above 0 and at most 1");
        Require(MinP is >= 0 and <= 1, MinP, nameof(MinP), "between 0 and 1");
        Require(TypicalP is > 0 and <= 1, TypicalP, nameof(TypicalP), "above 0 and at most 1");
        Require(TopNSigma is >= 0 and <= float.MaxValue, TopNSigma, nameof(TopNSigma), "at least 0");
        Require(XtcProbability is >= 0 and <= 1, XtcProbability, nameof(XtcProbability), "between 0 and 1");
        Require(XtcThreshold is > 0 and <= 1, XtcThreshold, nameof(XtcThreshold), "above 0 and at most 1");
        Require(MirostatTau is >= 0 and <= float.MaxValue, MirostatTau, nameof(MirostatTau), "at least 0");
        Require(MirostatEta is > 0 and <= 1, MirostatEta, nameof(MirostatEta), "above 0 and at most 1");
        Require(RepetitionPenalty is > 0 and <= float.MaxValue, RepetitionPenalty, nameof(RepetitionPenalty), "above 0");
        Require(float.IsFinite(FrequencyPenalty), FrequencyPenalty, nameof(FrequencyPenalty), "a number");
        Require(float.IsFinite(PresencePenalty), PresencePenalty, nameof(PresencePenalty), "a number");
        Require(RepetitionWindow is >= 0 and <= 1 << 20, RepetitionWindow, nameof(RepetitionWindow), "between 0 and 1048576");
        Require(DryMultiplier is >= 0 and <= float.MaxValue, DryMultiplier, nameof(DryMultiplier), "at least 0");
        Require(DryBase is >= 1 and <= float.MaxValue, DryBase, nameof(DryBase), "at least 1");
        Require(DryAllowedLength >= 1, DryAllowedLength, nameof(DryAllowedLength), "at least 1");
        Require(DryWindow is >= 0 and <= 1 << 20, DryWindow, nameof(DryWindow), "between 0 and 1048576");
        ArgumentNullException.ThrowIfNull(LogitBias);
        foreach ((int token, float bias) in LogitBias)
            Require(token >= 0 && !float.IsNaN(bias), $"{token}: {bias}", nameof(LogitBias), "numbers for token ids");
        ArgumentNullException.ThrowIfNull(Order);
        foreach (SamplingStep step in Order)
            Require(Enum.IsDefined(step) && Order.Count(s => s == step) == 1, step, nameof(Order),
                "made of known steps, each once at most");
    }

    private protected static void Require(bool holds, object value, string name, string range)
    {
        if (!holds) throw new ArgumentOutOfRangeException(name, value, $"{name} must be {range}.");
    }
}
