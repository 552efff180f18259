namespace MixtralVk.Quantization;

/// <summary>Conversion between rows as a GGUF file holds them and the row-tile layout. Thread-safe; allocates nothing.</summary>
public static unsafe class RowTile
{
    /// <summary>
    /// Rearranges up to 64 rows of a file into one tile, bit for bit. <paramref name="rows"/> holds <paramref name="rowCount"/> rows of
    /// whole GGUF blocks one after the other; <paramref name="tile"/> is exactly one tile and is overwritten whole: lanes past
    /// <paramref name="rowCount"/> and the padding become zero.
    /// </summary>
    public static void Repack(in RowTileLayout layout, ReadOnlySpan<byte> rows, int rowCount, Span<byte> tile)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(tile.Length, layout.TileBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(rowCount, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rowCount, RowTileLayout.TileRows);
        ArgumentOutOfRangeException.ThrowIfNotEqual(layout.Cols % BlockFormat.Of(layout.Format).FileElements, 0);
        long rowBytes = layout.FileRowBytes;
        ArgumentOutOfRangeException.ThrowIfNotEqual(rows.Length, rowCount * rowBytes);

        if (rowCount < RowTileLayout.TileRows) tile.Clear();
        else tile[(int)layout.UnpaddedTileBytes..].Clear();
        fixed (byte* source = rows)
        fixed (byte* destination = tile)
            BlockFormat.Of(layout.Format).Repack(source, (nint)rowBytes, rowCount, layout.Cols, destination);
    }

    /// <summary>
    /// Writes the values of one row. <paramref name="tiles"/> begins at some tile of the matrix and <paramref name="row"/> counts from that
    /// tile's first row; <paramref name="values"/> has length <c>layout.Cols</c>.
    /// </summary>
    public static void DequantizeRow(in RowTileLayout layout, ReadOnlySpan<byte> tiles, int row, Span<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, layout.Cols);
        int tileBytes = checked((int)layout.TileBytes);
        fixed (byte* tile = tiles.Slice(checked(row / RowTileLayout.TileRows * tileBytes), tileBytes))
        fixed (float* to = values)
            DequantizePanel.Row(layout, tile, row % RowTileLayout.TileRows, to);
    }

    /// <summary>
    /// Writes the values of the first rows of a tile, as many as <paramref name="values"/>, (rows, <c>layout.Cols</c>), has room for: 1 to
    /// 64. Each costs a small part of what <see cref="DequantizeRow"/> does.
    /// </summary>
    public static void DequantizeRows(in RowTileLayout layout, ReadOnlySpan<byte> tile, Span<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(tile.Length, layout.TileBytes);
        ArgumentOutOfRangeException.ThrowIfZero(values.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length % layout.Cols, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(values.Length / layout.Cols, RowTileLayout.TileRows);
        fixed (byte* from = tile)
        fixed (float* to = values)
            DequantizePanel.Rows(layout, from, values.Length / layout.Cols, to);
    }
}
