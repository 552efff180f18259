namespace MixtralVk;

/// <summary>Base of every error the engine reports. The message is one sentence that names the cause.</summary>
public class MixtralException : Exception
{
    /// <summary>Makes the exception with its message and, where there is one, its cause.</summary>
    public MixtralException(string message, Exception? inner = null) : base(message, inner) { }
}
