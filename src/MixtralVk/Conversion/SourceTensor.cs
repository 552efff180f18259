using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>A tensor of the model to be written, whatever file its values come from. Reading is thread-safe.</summary>
internal abstract class SourceTensor(string name, IReadOnlyList<long> dimensions)
{
    /// <summary>Name in the GGUF file.</summary>
    public string Name { get; } = name;

    /// <summary>Sizes, the fastest first: columns, rows, and for merged experts their number.</summary>
    public IReadOnlyList<long> Dimensions { get; } = dimensions;

    /// <summary>Columns.</summary>
    public int Cols => (int)Dimensions[0];

    /// <summary>Rows of all matrices together.</summary>
    public long RowCount => Dimensions.Skip(1).Aggregate(1L, (rows, size) => rows * size);

    /// <summary>Rows of one matrix.</summary>
    public long RowsPerMatrix => Dimensions.Count > 1 ? Dimensions[1] : 1;

    /// <summary>The type the values are stored in, where they can be taken as they are: <see cref="CopyRows"/>.</summary>
    public virtual GgmlType? StoredType => null;

    /// <summary>Values of rows; <paramref name="values"/> has <paramref name="rowCount"/> times <see cref="Cols"/> elements.</summary>
    public abstract void ReadRows(long firstRow, int rowCount, Span<float> values);

    /// <summary>Rows as they are stored, in <see cref="StoredType"/>.</summary>
    public virtual void CopyRows(long firstRow, int rowCount, Span<byte> rows) =>
        throw new InvalidOperationException("The values are not stored as GGUF blocks.");

    /// <summary>The error to throw when the values cannot be used.</summary>
    public abstract ModelFileException Error(string problem);
}
