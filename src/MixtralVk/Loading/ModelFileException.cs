namespace MixtralVk.Loading;

/// <summary>A model file that cannot be used: broken, hostile, of an unknown type, or without something the architecture needs.</summary>
public sealed class ModelFileException : MixtralException
{
    /// <summary>Makes the exception for the file at <paramref name="path"/>; <paramref name="problem"/> says what is wrong with it.</summary>
    public ModelFileException(string path, string problem, Exception? inner = null) : base($"{path}: {problem}", inner) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }
}
