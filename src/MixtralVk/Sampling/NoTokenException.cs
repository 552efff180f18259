namespace MixtralVk.Sampling;

/// <summary>No token is left to choose from: the options rule out all that may follow.</summary>
public sealed class NoTokenException : MixtralException
{
    /// <summary>Makes the exception.</summary>
    public NoTokenException() : base(
        "No token can follow: every logit is NaN or negative infinity. Let LogitBias and Adjust leave some, of those that a constraint allows, too.")
    {
    }
}
