namespace MixtralVk.Server;

/// <summary>The server's settings cannot be used; the message says which one, and what it must be.</summary>
public sealed class ServerException : MixtralException
{
    /// <summary>Makes the exception with its message and, where there is one, its cause.</summary>
    public ServerException(string message, Exception? inner = null) : base(message, inner) { }
}
