namespace MixtralVk.Quantization;

/// <summary>
/// What the engine must know of one weight format: the sizes of its blocks in the file and in a row tile, the way from one to the other,
/// and the values. One subclass per format; a new format is one more file and an arm in <see cref="Of"/>.
/// </summary>
internal abstract unsafe class BlockFormat
{
    /// <summary>Elements of a block in the file.</summary>
    public abstract int FileElements { get; }

    /// <summary>Bytes of a block in the file.</summary>
    public abstract int FileBytes { get; }

    /// <summary>Columns of a block in a tile.</summary>
    public abstract int Cols { get; }

    /// <summary>32-bit words of values of one row's block: the first section of a tile.</summary>
    public abstract int Words { get; }

    /// <summary>Bytes of scales of one row's block: the sections after the first.</summary>
    public abstract int ScaleBytes { get; }

    /// <summary>The format's description.</summary>
    public static BlockFormat Of(WeightFormat format) => format switch
    {
        WeightFormat.F32 => F32.Format,
        WeightFormat.F16 => F16.Format,
        WeightFormat.Q8_0 => Q8_0.Format,
        WeightFormat.Q4_0 => Q4_0.Format,
        WeightFormat.Q4_K => Q4_K.Format,
        WeightFormat.Q5_K => Q5_K.Format,
        WeightFormat.Q6_K => Q6_K.Format,
    };

    /// <summary>
    /// Writes <paramref name="rows"/> rows of the file, <paramref name="rowBytes"/> apart, into the lanes 0 .. rows - 1 of a tile's sections.
    /// Other lanes stay as they are.
    /// </summary>
    public abstract void Repack(byte* source, nint rowBytes, int rows, int cols, byte* tile);

    /// <summary>Writes the values of one lane of a tile; <paramref name="values"/> has one element per column.</summary>
    public abstract void Dequantize(byte* tile, int lane, Span<float> values);
}
