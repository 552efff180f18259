namespace MixtralVk.Loading;

/// <summary>
/// A regular file mapped into memory for reading, held without write sharing. Reading is thread-safe; spans handed out are valid until
/// <see cref="Dispose"/>.
/// </summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly FileMapping _mapping;
    private bool _disposed;

    private MappedFile(string path, FileStream stream)
    {
        Path = path;
        _mapping = new FileMapping(stream.SafeFileHandle, stream.Length);
    }

    /// <summary>Path of the file.</summary>
    public string Path { get; }

    /// <summary>Size of the file in bytes.</summary>
    public long Length => _mapping.Length;

    /// <summary>Opens a file. Throws <see cref="ModelFileException"/> when that is not possible.</summary>
    public static MappedFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) throw new ModelFileException(path, "is a directory, not a model file.");
        try
        {
            // The mapping holds the file on.
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (!stream.CanSeek) throw new ModelFileException(path, "is not a regular file.");
            if (stream.Length == 0) throw new ModelFileException(path, "is empty.");
            return new MappedFile(path, stream);
        }
        catch (Exception e) when (ModelFileException.IsFileProblem(e))
        {
            throw ModelFileException.Because(path, "cannot be opened", e);
        }
    }

    /// <summary>Bytes of the file, at most 2 GiB.</summary>
    public ReadOnlySpan<byte> Bytes(long offset, int count)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - count);
        return new ReadOnlySpan<byte>(_mapping.Start + offset, count);
    }

    /// <summary>A reader of the file from <paramref name="offset"/> on.</summary>
    public GgufCursor Cursor(long offset = 0)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new GgufCursor(Path, _mapping.Start, Length, offset);
    }

    /// <summary>Unmaps and closes the file. Nobody may read from it any more.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _mapping.Dispose();
    }
}
