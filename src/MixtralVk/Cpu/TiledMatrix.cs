using MixtralVk.Quantization;

namespace MixtralVk.Cpu;

/// <summary>A matrix in the row-tile layout in memory that somebody else owns.</summary>
internal readonly unsafe struct TiledMatrix(RowTileLayout layout, byte* data)
{
    /// <summary>Format and shape.</summary>
    public RowTileLayout Layout => layout;

    /// <summary>Rows of a tile that exist: 64, or less in the last one.</summary>
    public int RowsOf(int tile) => Math.Min(RowTileLayout.TileRows, layout.Rows - tile * RowTileLayout.TileRows);

    /// <summary>The first byte of a tile.</summary>
    public byte* Tile(int tile) => data + tile * layout.TileBytes;
}
