namespace MixtralVk.Quantization;

/// <summary>
/// What the engine must know of one weight format: its blocks in the file, the sections a tile holds them in, and their values. One
/// subclass per format; a new format is one more file and an arm in <see cref="Of"/>.
/// </summary>
/// <param name="fileElements">Elements of a block in the file.</param>
/// <param name="fileBytes">Bytes of a block in the file.</param>
/// <param name="sections">The sections of a tile, in order.</param>
internal abstract unsafe class BlockFormat(int fileElements, int fileBytes, params TileSection[] sections)
{
    /// <summary>Elements of a block in the file.</summary>
    public int FileElements => fileElements;

    /// <summary>Bytes of a block in the file.</summary>
    public int FileBytes => fileBytes;

    /// <summary>Columns of a block in a tile.</summary>
    public virtual int Cols => fileElements;

    /// <summary>Bytes of one row's block in a tile, all sections together.</summary>
    public int TileBytes { get; } = sections.Sum(s => s.Items * s.ItemBytes);

    /// <summary>Bytes that the first section of a tile, which holds the levels, has for 32 columns.</summary>
    public int LevelBytes { get; } = PanelBytes(sections[0], fileElements);

    /// <summary>The same of the second one, which holds scales; 0 where there is none.</summary>
    public int ScaleBytes { get; } = sections.Length > 1 ? PanelBytes(sections[1], fileElements) : 0;

    /// <summary>The format's description.</summary>
    public static BlockFormat Of(WeightFormat format) => format switch
    {
        WeightFormat.F32 => F32.Format,
        WeightFormat.F16 => F16.Format,
        WeightFormat.BF16 => BF16.Format,
        WeightFormat.Q8_0 => Q8_0.Format,
        WeightFormat.Q4_0 => Q4_0.Format,
        WeightFormat.Q4_1 => Q4_1.Format,
        WeightFormat.Q5_0 => Q5_0.Format,
        WeightFormat.Q5_1 => Q5_1.Format,
        WeightFormat.Q2_K => Q2_K.Format,
        WeightFormat.Q3_K => Q3_K.Format,
        WeightFormat.Q4_K => Q4_K.Format,
        WeightFormat.Q5_K => Q5_K.Format,
        WeightFormat.Q6_K => Q6_K.Format,
        WeightFormat.IQ4_NL => IQ4_NL.Format,
        WeightFormat.IQ4_XS => IQ4_XS.Format,
    };

    /// <summary>
    /// Writes <paramref name="rows"/> rows of the file, <paramref name="rowBytes"/> apart, into the lanes 0 .. rows - 1 of a tile's
    /// sections. Other lanes stay as they are.
    /// </summary>
    public virtual void Repack(byte* source, nint rowBytes, int rows, int cols, byte* tile)
    {
        int blocks = cols / Cols;
        foreach (TileSection section in sections)
        {
            if (section.ItemBytes == sizeof(uint))
                Transpose.Words(source + section.At, rowBytes, rows, blocks, FileBytes, section.Items, tile);
            else Transpose.Halves(source + section.At, rowBytes, rows, blocks, FileBytes, tile);
            tile += (long)blocks * section.Items * section.ItemBytes * RowTileLayout.TileRows;
        }
    }

    /// <summary>
    /// Writes rows <paramref name="firstRow"/> .. <paramref name="endRow"/> - 1 of 32 columns as floats, <c>[column][64 rows]</c>: exactly
    /// the values the blocks stand for, the sign of a zero included. <see cref="DequantizePanel"/> says which rows may be asked for.
    /// </summary>
    /// <param name="tile">The tile.</param>
    /// <param name="cols">Columns of the matrix; those past it are not written.</param>
    /// <param name="panel">Index of the 32 columns.</param>
    /// <param name="firstRow">First row of the tile.</param>
    /// <param name="endRow">One past the last row.</param>
    /// <param name="to">The panel's first float.</param>
    public abstract void Panel(byte* tile, int cols, int panel, int firstRow, int endRow, float* to);

    /// <summary>How the format multiplies with bytes of activations; null: with floats only.</summary>
    public virtual LevelCoding? Levels => null;

    /// <summary>
    /// Takes the levels and scales of <see cref="LevelPanels.Count"/> panels of 32 columns and all 64 rows apart, without rounding
    /// anything; where <see cref="Levels"/> is not null.
    /// </summary>
    /// <param name="tile">The tile.</param>
    /// <param name="cols">Columns of the matrix, a multiple of 32.</param>
    /// <param name="panel">Index of the first 32 columns, a multiple of <see cref="LevelPanels.Most"/>.</param>
    /// <param name="to">The same for all panels of a tile.</param>
    public virtual void Unpack(byte* tile, int cols, int panel, ref LevelPanels to) => throw new NotSupportedException();

    private static int PanelBytes(TileSection section, int cols) => section.Items * section.ItemBytes * RowTileLayout.TileRows * 32 / cols;
}

/// <summary>A part of every block of a tile, <c>[block][item][row]</c>.</summary>
/// <param name="At">Where it lies in the file's block, in bytes.</param>
/// <param name="ItemBytes">4: words. 2: one 16-bit number per block, so that two rows share a word.</param>
/// <param name="Items">Items of a block.</param>
internal readonly record struct TileSection(int At, int ItemBytes, int Items)
{
    /// <summary>A run of 32-bit words.</summary>
    public static TileSection Words(int at, int count) => new(at, sizeof(uint), count);

    /// <summary>One 16-bit number.</summary>
    public static TileSection Half(int at) => new(at, sizeof(ushort), 1);
}
