namespace MixtralVk.Model;

/// <summary>The tokens asked for do not fit the context.</summary>
public sealed class ContextOverflowException : MixtralException
{
    /// <summary>Makes the exception: <paramref name="wanted"/> tokens were needed where <paramref name="available"/> fit.</summary>
    public ContextOverflowException(int wanted, int available)
        : base($"The conversation needs {wanted} tokens of context, but only {available} fit; shorten it or open the model with a larger context.")
    {
        Wanted = wanted;
        Available = available;
    }

    /// <summary>Tokens needed.</summary>
    public int Wanted { get; }

    /// <summary>Tokens that fit.</summary>
    public int Available { get; }
}
