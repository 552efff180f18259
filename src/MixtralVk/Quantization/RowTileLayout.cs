namespace MixtralVk.Quantization;

/// <summary>
/// Where the numbers of a matrix lie in the row-tile layout, the one layout of the GPU kernels and the CPU kernels (docs/design.md).
/// A matrix (rows, cols) is cut into tiles of 64 rows; a tile holds its sections one after the other, each ordered
/// <c>[block][word][row]</c>, so that neighbouring rows are neighbouring words. A tile is padded to 256 bytes, so that every tile
/// may start a buffer binding; rows and columns past the matrix are zero.
/// </summary>
/// <param name="Format">Format of the weights.</param>
/// <param name="Rows">Number of rows (outputs).</param>
/// <param name="Cols">Number of columns (inputs).</param>
public readonly record struct RowTileLayout(WeightFormat Format, int Rows, int Cols)
{
    /// <summary>Rows of a tile: one GPU lane each.</summary>
    public const int TileRows = 64;

    /// <summary>Alignment of a tile in bytes: the largest <c>minStorageBufferOffsetAlignment</c> Vulkan allows.</summary>
    public const int TileAlignment = 256;

    /// <summary>Number of tiles.</summary>
    public int Tiles => (Rows + TileRows - 1) / TileRows;

    /// <summary>Columns that share a block: one column for F32, two for F16 (a word), 32 or 256 for the quantised formats.</summary>
    public int BlockCols => Format switch
    {
        WeightFormat.F32 => 1,
        WeightFormat.F16 => 2,
        WeightFormat.Q8_0 or WeightFormat.Q4_0 => 32,
        WeightFormat.Q4_K or WeightFormat.Q6_K => 256,
    };

    /// <summary>Blocks of one row, the last one padded with zeros.</summary>
    public int Blocks => (Cols + BlockCols - 1) / BlockCols;

    /// <summary>32-bit words of quantised values of one row's block: the first section of a tile.</summary>
    public int BlockWords => Format switch
    {
        WeightFormat.F32 or WeightFormat.F16 => 1,
        WeightFormat.Q8_0 => 8,
        WeightFormat.Q4_0 => 4,
        WeightFormat.Q4_K => 32,
        WeightFormat.Q6_K => 48,
    };

    /// <summary>Bytes of scales of one row's block: the sections after the first.</summary>
    public int BlockScaleBytes => Format switch
    {
        WeightFormat.F32 or WeightFormat.F16 => 0,
        WeightFormat.Q8_0 or WeightFormat.Q4_0 => 2,
        WeightFormat.Q4_K => 16,
        WeightFormat.Q6_K => 18,
    };

    /// <summary>Bytes of one tile, a multiple of <see cref="TileAlignment"/>.</summary>
    public long TileBytes
    {
        get
        {
            long bytes = (long)Blocks * TileRows * (BlockWords * 4 + BlockScaleBytes);
            return (bytes + TileAlignment - 1) / TileAlignment * TileAlignment;
        }
    }

    /// <summary>Bytes of the whole matrix.</summary>
    public long Bytes => Tiles * TileBytes;
}
