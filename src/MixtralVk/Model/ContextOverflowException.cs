namespace MixtralVk.Model;

/// <summary>The tokens asked for do not fit the context.</summary>
public sealed class ContextOverflowException : MixtralException
{
    /// <summary>Makes the exception: <paramref name="wanted"/> tokens were needed where <paramref name="available"/> fit.</summary>
    public ContextOverflowException(int wanted, int available)
        : this(wanted, available,
        $"The conversation needs {wanted} tokens of context, but only {available} fit; shorten it or open the model with a larger context.")
    {
    }

    private ContextOverflowException(int wanted, int available, string message)
        : base(message)
    {
        Wanted = wanted;
        Available = available;
    }

    /// <summary>A model is to be opened with a longer context than it was made for.</summary>
    internal static ContextOverflowException OfModel(int wanted, int available) =>
        new(wanted, available,
            $"A context of {wanted} tokens is asked for, but the model was made for {available}; ask for at most as many.");

    /// <summary>Tokens needed.</summary>
    public int Wanted { get; }

    /// <summary>Tokens that fit.</summary>
    public int Available { get; }
}
