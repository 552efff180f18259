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

    /// <summary>
    /// The tiles of part <paramref name="part"/> when the matrix is cut into <paramref name="parts"/> parts that are as alike as can be;
    /// may be none.
    /// </summary>
    public (int First, int Count) PartTiles(int part, int parts)
    {
        int first = (int)((long)part * Tiles / parts);
        return (first, (int)((part + 1L) * Tiles / parts) - first);
    }

    /// <summary>
    /// Columns that share a block: one column for F32, two for F16 and BF16 (a word), 32 or 256 for the quantised formats.
    /// </summary>
    public int BlockCols => BlockFormat.Of(Format).Cols;

    /// <summary>Blocks of one row, the last one padded with zeros.</summary>
    public int Blocks => (Cols + BlockCols - 1) / BlockCols;

    /// <summary>Bytes of one row's block, all sections together.</summary>
    public int BlockBytes => BlockFormat.Of(Format).TileBytes;

    /// <summary>Bytes of a tile's sections, without the padding after them.</summary>
    public long UnpaddedTileBytes => (long)Blocks * TileRows * BlockBytes;

    /// <summary>Bytes of one tile, a multiple of <see cref="TileAlignment"/>.</summary>
    public long TileBytes => (UnpaddedTileBytes + TileAlignment - 1) / TileAlignment * TileAlignment;

    /// <summary>Bytes of the whole matrix.</summary>
    public long Bytes => Tiles * TileBytes;

    /// <summary>Bytes of one row as a GGUF file holds it; <see cref="Cols"/> is a multiple of the format's block there.</summary>
    public long FileRowBytes
    {
        get
        {
            BlockFormat format = BlockFormat.Of(Format);
            return (long)Cols / format.FileElements * format.FileBytes;
        }
    }
}
