namespace MixtralVk.Testing.Gguf;

/// <summary>A path in the temporary folder, deleted with the object.</summary>
public sealed class TemporaryFile : IDisposable
{
    /// <summary>Makes a new path with the given ending; the file itself is not made.</summary>
    public TemporaryFile(string extension = "") =>
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"mixtralvk-{Guid.NewGuid():N}{extension}");

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>Makes the file with these bytes.</summary>
    public static TemporaryFile With(ReadOnlySpan<byte> bytes)
    {
        var file = new TemporaryFile();
        File.WriteAllBytes(file.Path, bytes);
        return file;
    }

    public void Dispose() => File.Delete(Path);
}
