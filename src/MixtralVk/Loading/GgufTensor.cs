namespace MixtralVk.Loading;

/// <summary>
/// A tensor of a GGUF file. Its sizes were checked: they are at least 1, their product fits, the data lies inside the file.
/// </summary>
public sealed class GgufTensor
{
    internal GgufTensor(string name, GgmlType type, long[] dimensions, long offset, long bytes, MappedFile file)
    {
        Name = name;
        Type = type;
        Dimensions = dimensions;
        Offset = offset;
        Bytes = bytes;
        File = file;
        (int blockElements, int blockBytes) = type.Block();
        RowBytes = dimensions[0] / blockElements * blockBytes;
        RowCount = bytes / RowBytes;
    }

    /// <summary>Name in the file.</summary>
    public string Name { get; }

    /// <summary>Type of the elements.</summary>
    public GgmlType Type { get; }

    /// <summary>One to four sizes, the fastest first: columns, rows, then (for merged experts) the number of matrices.</summary>
    public IReadOnlyList<long> Dimensions { get; }

    /// <summary>Position of the data in bytes from the begin of the file (of a split model: of the tensor's part).</summary>
    public long Offset { get; }

    /// <summary>Size of the data in bytes.</summary>
    public long Bytes { get; }

    /// <summary>Rows in all: the product of the dimensions after the first.</summary>
    public long RowCount { get; }

    /// <summary>Bytes of one row, a whole number of blocks.</summary>
    public long RowBytes { get; }

    /// <summary>The file it lies in.</summary>
    internal MappedFile File { get; }
}
