namespace MixtralVk.Model;

/// <summary>A token id outside the model's vocabulary.</summary>
public sealed class TokenRangeException : MixtralException
{
    /// <summary>Makes the exception for <paramref name="token"/> in a vocabulary of <paramref name="vocabSize"/>.</summary>
    public TokenRangeException(int token, int vocabSize)
        : base($"Token id {token} is outside the vocabulary (0 to {vocabSize - 1}).") => Token = token;

    /// <summary>The token id.</summary>
    public int Token { get; }
}
