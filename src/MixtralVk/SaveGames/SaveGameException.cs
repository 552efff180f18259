namespace MixtralVk.SaveGames;

/// <summary>A save that cannot be used: damaged, of another version, or of another model. Nothing live was changed.</summary>
public sealed class SaveGameException : MixtralException
{
    /// <summary>Makes the exception with its message and, where there is one, its cause.</summary>
    public SaveGameException(string message, Exception? inner = null) : base(message, inner) { }
}
