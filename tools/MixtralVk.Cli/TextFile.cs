namespace MixtralVk.Cli;

/// <summary>Reads texts that a command measures a model on.</summary>
internal static class TextFile
{
    /// <summary>
    /// The whole file, without a final line break (llama.cpp takes it away too). Throws <see cref="IOException"/> when it cannot be read.
    /// </summary>
    public static string Read(string path)
    {
        try
        {
            if (Directory.Exists(path)) throw new IOException("it is a directory.");
            string text = File.ReadAllText(path);
            return text.EndsWith('\n') ? text[..^1] : text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path} cannot be read: {e.Message.TrimEnd('.')}.", e);
        }
    }
}
