using System.Numerics;
using System.Runtime.CompilerServices;

namespace MixtralVk.Quantization;

/// <summary>
/// Turns 32 columns of a tile into floats, <c>[column][64 rows]</c>: the panel that the tile product multiplies with. Each register holds
/// one word of several rows, and each float is exactly the value its block stands for. Layouts: docs/design.md.
/// </summary>
internal static unsafe class DequantizePanel
{
    /// <summary>Columns of a panel.</summary>
    public const int Cols = 32;

    /// <summary>Floats of a panel.</summary>
    public const int Floats = Cols * RowTileLayout.TileRows;

    /// <summary>Rows are dequantised in multiples of this many: a register of 16-bit scales.</summary>
    public static int RowGroup => Vector<ushort>.Count;

    /// <summary>
    /// Writes rows <paramref name="firstRow"/> .. + <paramref name="rowCount"/> (multiples of <see cref="RowGroup"/>) of a panel.
    /// Columns past the matrix are not written.
    /// </summary>
    public static void Run(in RowTileLayout layout, byte* tile, int panel, int firstRow, int rowCount, float* destination) =>
        BlockFormat.Of(layout.Format).Panel(tile, layout.Cols, panel, firstRow, firstRow + rowCount, destination);

    /// <summary>Writes all columns of the first <paramref name="rowCount"/> rows of a tile, (rowCount, cols).</summary>
    [SkipLocalsInit]
    public static void Rows(in RowTileLayout layout, byte* tile, int rowCount, float* values)
    {
        float* panel = stackalloc float[Floats];
        int computed = (rowCount + RowGroup - 1) / RowGroup * RowGroup;
        for (int p = 0, col = 0; col < layout.Cols; p++, col += Cols)
        {
            Run(layout, tile, p, 0, computed, panel);
            int cols = Math.Min(Cols, layout.Cols - col);
            for (int row = 0; row < rowCount; row++)
            {
                float* to = values + (long)row * layout.Cols + col;
                for (int c = 0; c < cols; c++) to[c] = panel[c * RowTileLayout.TileRows + row];
            }
        }
    }

    /// <summary>Writes all columns of one row.</summary>
    [SkipLocalsInit]
    public static void Row(in RowTileLayout layout, byte* tile, int row, float* values)
    {
        float* panel = stackalloc float[Floats];
        for (int p = 0, col = 0; col < layout.Cols; p++, col += Cols)
        {
            Run(layout, tile, p, row / RowGroup * RowGroup, RowGroup, panel);
            int cols = Math.Min(Cols, layout.Cols - col);
            for (int c = 0; c < cols; c++) values[col + c] = panel[c * RowTileLayout.TileRows + row];
        }
    }
}
