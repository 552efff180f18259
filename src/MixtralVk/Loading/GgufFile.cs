using System.Runtime.InteropServices;

namespace MixtralVk.Loading;

/// <summary>
/// An opened GGUF model, version 2 or 3, little-endian, mapped into memory: one file, or all parts of a split one. The whole header was
/// checked when it was opened. Reading is thread-safe; spans handed out are valid until <see cref="Dispose"/>. The file is held without
/// write sharing; a file that nevertheless shrinks while it is mapped (a network drive, a foreign program on Linux) ends the process when
/// its lost part is read.
/// </summary>
public sealed class GgufFile : IDisposable
{
    private readonly GgufPart[] _parts;
    private bool _disposed;

    private GgufFile(string path, GgufPart[] parts)
    {
        Path = path;
        _parts = parts;
        Tensors = parts.Length == 1 ? parts[0].Header.Tensors : parts.SelectMany(part => part.Header.Tensors).ToDictionary();
    }

    /// <summary>Path of the file; of a split model the path it was opened by.</summary>
    public string Path { get; }

    /// <summary>Size in bytes of the file, or of all parts together.</summary>
    public long Length => _parts.Sum(part => part.File.Length);

    /// <summary>Number of files the model is in.</summary>
    public int PartCount => _parts.Length;

    /// <summary>Version of the format: 2 or 3.</summary>
    public int Version => (int)_parts[0].Header.Version;

    /// <summary>Metadata by key; of a split model that of the first part.</summary>
    public IReadOnlyDictionary<string, GgufValue> Metadata => _parts[0].Header.Metadata;

    /// <summary>Tensors by name, of all parts.</summary>
    public IReadOnlyDictionary<string, GgufTensor> Tensors { get; }

    /// <summary>
    /// Opens a file; of a split model (<c>NAME-00001-of-00003.gguf</c>) any part, and the others are found beside it. Throws
    /// <see cref="ModelFileException"/> when it cannot be read or anything in its header is wrong.
    /// </summary>
    public static GgufFile Open(string path) => new(path, GgufParts.Open(path));

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
        GgufCursor cursor = _parts[0].File.Cursor(array.ArrayOffset);
        var strings = new string[array.Count];
        string what = $"a string of metadata value '{key}'";
        for (int i = 0; i < strings.Length; i++) strings[i] = cursor.Text(what, 1 << 20);
        return strings;
    }

    /// <summary>An array of 32-bit floats; null when the key is absent.</summary>
    public float[]? Floats(string key) =>
        FindArray(key, "32-bit floats", type => type == GgufValueType.Float32, out GgufValue array)
            ? MemoryMarshal.Cast<byte, float>(Bytes(array)).ToArray() : null;

    /// <summary>An array of 32-bit integers, with or without sign; null when the key is absent.</summary>
    public int[]? Integers(string key) =>
        FindArray(key, "32-bit integers", type => type is GgufValueType.Int32 or GgufValueType.UInt32, out GgufValue array)
            ? MemoryMarshal.Cast<byte, int>(Bytes(array)).ToArray() : null;

    /// <summary>Raw bytes of <paramref name="rowCount"/> rows of a tensor of this file, at most 2 GiB.</summary>
    public ReadOnlySpan<byte> Rows(GgufTensor tensor, long firstRow, int rowCount)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfNegative(rowCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstRow, tensor.RowCount - rowCount);
        return tensor.File.Bytes(tensor.Offset + firstRow * tensor.RowBytes, checked((int)(rowCount * tensor.RowBytes)));
    }

    /// <summary>Unmaps and closes the file. Nobody may read from it any more.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (GgufPart part in _parts) part.File.Dispose();
    }

    internal ModelFileException Error(string problem) => new(Path, problem);

    /// <summary>An array's elements as they lie in the file, of any type.</summary>
    internal ReadOnlySpan<byte> ArrayBytes(GgufValue array)
    {
        if (array.ElementType != GgufValueType.String) return Bytes(array);
        GgufCursor cursor = _parts[0].File.Cursor(array.ArrayOffset);
        for (long i = 0; i < array.Count; i++) cursor.SkipText("an array of strings");
        return _parts[0].File.Bytes(array.ArrayOffset, checked((int)(cursor.Position - array.ArrayOffset)));
    }

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

    /// <summary>The elements of an array of numbers, whose extent was checked.</summary>
    private ReadOnlySpan<byte> Bytes(GgufValue array) =>
        _parts[0].File.Bytes(array.ArrayOffset, checked((int)(array.Count * GgufValue.FixedBytes(array.ElementType))));

    private ModelFileException Mistyped(string key, GgufValue value, string wanted) =>
        Error($"metadata value '{key}' is {(value.Type == GgufValueType.Array ? $"an {value}" : $"{value} ({value.Type})")}, not {wanted}.");
}
