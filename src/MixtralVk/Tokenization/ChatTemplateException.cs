namespace MixtralVk.Tokenization;

/// <summary>
/// The model's conversations have a form this engine does not know, or messages stand in an order that form cannot express.
/// </summary>
public sealed class ChatTemplateException : MixtralException
{
    /// <summary>Makes the exception with its message.</summary>
    public ChatTemplateException(string message) : base(message) { }
}
