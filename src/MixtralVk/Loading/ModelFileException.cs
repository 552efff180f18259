namespace MixtralVk.Loading;

/// <summary>A model file that cannot be used: broken, hostile, of an unknown type, or without something the architecture needs.</summary>
public sealed class ModelFileException : MixtralException
{
    private const int MessageChars = 2000;

    /// <summary>
    /// Makes the exception for the file at <paramref name="path"/>; <paramref name="problem"/> says what is wrong with it.
    /// </summary>
    public ModelFileException(string path, string problem, Exception? inner = null) : base(Printable($"{path}: {problem}"), inner) =>
        Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>True for what opening and reading a file throws.</summary>
    internal static bool IsFileProblem(Exception e) =>
        e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    /// <summary>
    /// The exception for such a problem; <paramref name="failed"/> says what failed where the problem has no name of its own.
    /// </summary>
    internal static ModelFileException Because(string path, string failed, Exception problem) => problem switch
    {
        FileNotFoundException or DirectoryNotFoundException => new(path, "does not exist.", problem),
        UnauthorizedAccessException => new(path, "may not be read (no permission).", problem),
        _ => new(path, $"{failed}: {problem.Message}", problem),
    };

    /// <summary>Names quoted from the file are a stranger's: no control characters reach the terminal or the log.</summary>
    private static string Printable(string text) =>
        string.Create(Math.Min(text.Length, MessageChars), text, static (chars, from) =>
        {
            for (int i = 0; i < chars.Length; i++) chars[i] = char.IsControl(from[i]) ? '?' : from[i];
        });
}
