namespace MixtralVk.Sampling;

/// <summary>What is done with the logits before a token is drawn; docs/sampling.md defines each. Declared in the usual order.</summary>
public enum SamplingStep
{
    /// <summary><see cref="SamplingOptions.LogitBias"/>.</summary>
    LogitBias,
    /// <summary>
    /// <see cref="SamplingOptions.RepetitionPenalty"/>, <see cref="SamplingOptions.FrequencyPenalty"/>,
    /// <see cref="SamplingOptions.PresencePenalty"/>.
    /// </summary>
    Penalties,
    /// <summary><see cref="SamplingOptions.DryMultiplier"/>.</summary>
    Dry,
    /// <summary><see cref="SamplingOptions.Adjust"/>.</summary>
    Adjust,
    /// <summary><see cref="SamplingOptions.TopNSigma"/>.</summary>
    TopNSigma,
    /// <summary><see cref="SamplingOptions.TopK"/>.</summary>
    TopK,
    /// <summary><see cref="SamplingOptions.TypicalP"/>.</summary>
    Typical,
    /// <summary><see cref="SamplingOptions.TopP"/>.</summary>
    TopP,
    /// <summary><see cref="SamplingOptions.MinP"/>.</summary>
    MinP,
    /// <summary><see cref="SamplingOptions.XtcProbability"/>.</summary>
    Xtc,
    /// <summary><see cref="SamplingOptions.Temperature"/>, fixed or dynamic.</summary>
    Temperature,
}
