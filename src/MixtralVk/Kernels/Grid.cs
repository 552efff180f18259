using MixtralVk.Quantization;

namespace MixtralVk.Kernels;

/// <summary>Workgroup counts.</summary>
internal static class Grid
{
    /// <summary>Workgroups that cover <paramref name="count"/> things, <paramref name="perWorkgroup"/> each.</summary>
    public static uint Cover(uint count, uint perWorkgroup) => (count + perWorkgroup - 1) / perWorkgroup;

    /// <summary>Workgroups that cover the rows of a matrix, <paramref name="rowsPerLane"/> tiles each.</summary>
    public static uint CoverTiles(uint rows, uint rowsPerLane) => Cover(rows, RowTileLayout.TileRows * rowsPerLane);
}
