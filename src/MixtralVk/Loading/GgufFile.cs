using System.IO.MemoryMappedFiles;

namespace MixtralVk.Loading;

/// <summary>
/// An opened GGUF file, version 2 or 3, little-endian, mapped into memory. The whole header was checked when it was opened. Reading is
/// thread-safe; spans handed out are valid until <see cref="Dispose"/>. The file is held without write sharing; a file that nevertheless
/// shrinks while it is mapped (a network drive, a foreign program on Linux) ends the process when its lost part is read.
/// </summary>
public sealed unsafe class GgufFile : IDisposable
{
    private readonly MemoryMappedFile _mapping;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly GgufHeader _header;
    private bool _disposed;

    private GgufFile(string path, FileStream stream)
    {
        Path = path;
        Length = stream.Length;
        _mapping = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        try
        {
            _view = _mapping.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
            var cursor = new GgufCursor(path, _start, Length);
            _header = GgufHeader.Read(ref cursor);
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

    /// <summary>Version of the format: 2 or 3.</summary>
    public int Version => (int)_header.Version;

    /// <summary>Metadata by key.</summary>
    public IReadOnlyDictionary<string, GgufValue> Metadata => _header.Metadata;

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, GgufTensor> Tensors => _header.Tensors;

    /// <summary>Opens a file. Throws <see cref="ModelFileException"/> when it cannot be read or anything in its header is wrong.</summary>
    public static GgufFile Open(string path)
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
                return new GgufFile(path, stream);
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

    /// <summary>An integer value that fits 64 bits with sign; null when the key is absent.</summary>
    public long? Integer(string key) => Find(key, out GgufValue value) ? value.Integer ?? throw Mistyped(key, value, "an integer") : null;

    /// <summary>A number; null when the key is absent.</summary>
    public double? Number(string key) => Find(key, out GgufValue value) ? value.Number ?? throw Mistyped(key, value, "a number") : null;

    /// <summary>A truth value; null when the key is absent.</summary>
    public bool? Flag(string key) => Find(key, out GgufValue value) ? value.Flag ?? throw Mistyped(key, value, "true or false") : null;

    /// <summary>A text; null when the key is absent.</summary>
    public string? Text(string key) => Find(key, out GgufValue value) ? value.Text ?? throw Mistyped(key, value, "a string") : null;

    /// <summary>An array of strings; null when the key is absent.</summary>
    public string[]? Strings(string key)
    {
        if (!FindArray(key, "strings", type => type == GgufValueType.String, out GgufValue array)) return null;
        var cursor = new GgufCursor(Path, _start, Length, array.ArrayOffset);
        var strings = new string[array.Count];
        string what = $"a string of metadata value '{key}'";
        for (int i = 0; i < strings.Length; i++) strings[i] = cursor.Text(what, 1 << 20);
        return strings;
    }

    /// <summary>An array of 32-bit floats; null when the key is absent.</summary>
    public float[]? Floats(string key) =>
        FindArray(key, "32-bit floats", type => type == GgufValueType.Float32, out GgufValue array)
            ? new ReadOnlySpan<float>(_start + array.ArrayOffset, (int)array.Count).ToArray() : null;

    /// <summary>An array of 32-bit integers, with or without sign; null when the key is absent.</summary>
    public int[]? Integers(string key) =>
        FindArray(key, "32-bit integers", type => type is GgufValueType.Int32 or GgufValueType.UInt32, out GgufValue array)
            ? new ReadOnlySpan<int>(_start + array.ArrayOffset, (int)array.Count).ToArray() : null;

    /// <summary>Raw bytes of <paramref name="rowCount"/> rows of a tensor of this file, at most 2 GiB.</summary>
    public ReadOnlySpan<byte> Rows(GgufTensor tensor, long firstRow, int rowCount)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfNegative(rowCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstRow, tensor.RowCount - rowCount);
        long offset = tensor.Offset + firstRow * tensor.RowBytes;
        int bytes = checked((int)(rowCount * tensor.RowBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - bytes); // a tensor of another file
        return new ReadOnlySpan<byte>(_start + offset, bytes);
    }

    /// <summary>Unmaps and closes the file. Nobody may read from it any more.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Unmap();
    }

    internal ModelFileException Error(string problem) => new(Path, problem);

    private bool Find(string key, out GgufValue value)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Metadata.TryGetValue(key, out value);
    }

    private bool FindArray(string key, string wanted, Func<GgufValueType, bool> isWanted, out GgufValue array)
    {
        if (!Find(key, out array)) return false;
        if (array.Type != GgufValueType.Array || !isWanted(array.ElementType)) throw Mistyped(key, array, $"an array of {wanted}");
        return true;
    }

    private ModelFileException Mistyped(string key, GgufValue value, string wanted) =>
        Error($"metadata value '{key}' is {(value.Type == GgufValueType.Array ? $"an {value}" : $"{value} ({value.Type})")}, not {wanted}.");

    private void Unmap()
    {
        if (_start != null) _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
        _mapping.Dispose();
    }
}
