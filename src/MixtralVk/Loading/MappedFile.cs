using System.IO.MemoryMappedFiles;

namespace MixtralVk.Loading;

/// <summary>
/// A regular file mapped into memory for reading, held without write sharing. Reading is thread-safe; spans handed out are valid until
/// <see cref="Dispose"/>.
/// </summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _mapping;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private bool _disposed;

    private MappedFile(string path, FileStream stream)
    {
        Path = path;
        Length = stream.Length;
        _mapping = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        try
        {
            _view = _mapping.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        }
        catch
        {
            Unmap();
            throw;
        }
    }

    /// <summary>Path of the file.</summary>
    public string Path { get; }

    /// <summary>Size of the file in bytes.</summary>
    public long Length { get; }

    /// <summary>Opens a file. Throws <see cref="ModelFileException"/> when that is not possible.</summary>
    public static MappedFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) throw new ModelFileException(path, "is a directory, not a model file.");
        try
        {
            FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            try
            {
                if (!stream.CanSeek) throw new ModelFileException(path, "is not a regular file.");
                if (stream.Length == 0) throw new ModelFileException(path, "is empty.");
                return new MappedFile(path, stream);
            }
            catch
            {
                stream.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ModelFileException(path, "does not exist.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ModelFileException(path, "may not be read (no permission).", e);
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            throw new ModelFileException(path, $"cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Bytes of the file, at most 2 GiB.</summary>
    public ReadOnlySpan<byte> Bytes(long offset, int count)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - count);
        return new ReadOnlySpan<byte>(_start + offset, count);
    }

    /// <summary>A reader of the file from <paramref name="offset"/> on.</summary>
    public GgufCursor Cursor(long offset = 0)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new GgufCursor(Path, _start, Length, offset);
    }

    /// <summary>Unmaps and closes the file. Nobody may read from it any more.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Unmap();
    }

    private void Unmap()
    {
        if (_start != null) _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
        _mapping.Dispose();
    }
}
