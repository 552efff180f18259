namespace MixtralVk.Loading;

/// <summary>A model file that cannot be used: broken, hostile, of an unknown type, or without something the architecture needs.</summary>
public sealed class ModelFileException : MixtralException
{
    private const int MessageChars = 2000;

    /// <summary>Makes the exception for the file at <paramref name="path"/>; <paramref name="problem"/> says what is wrong with it.</summary>
    public ModelFileException(string path, string problem, Exception? inner = null) : base(Printable($"{path}: {problem}"), inner) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Names quoted from the file are a stranger's: no control characters reach the terminal or the log.</summary>
    private static string Printable(string text) =>
        string.Create(Math.Min(text.Length, MessageChars), text, static (chars, from) =>
        {
            for (int i = 0; i < chars.Length; i++) chars[i] = char.IsControl(from[i]) ? '?' : from[i];
        });
}
