namespace MixtralVk.Tokenization;

/// <summary>A vocabulary this engine cannot tokenise with, or text it cannot express.</summary>
public sealed class TokenizerException : MixtralException
{
    /// <summary>Makes the exception with its message.</summary>
    public TokenizerException(string message) : base(message) { }
}
