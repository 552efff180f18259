using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Quantization;

namespace MixtralVk.Model.Vulkan;

/// <summary>A run of whole tiles that fits one buffer binding: rows <paramref name="FirstRow"/> .. + <paramref name="RowCount"/> of its matrix.</summary>
internal readonly record struct TileRange(BufferView View, uint FirstRow, uint RowCount);

/// <summary>
/// A weight matrix on the device in the row-tile layout, cut into ranges of whole tiles no larger than a binding may be (Mixtral's output
/// matrix in F16 is 250 MiB, the guaranteed limit 128).
/// </summary>
internal sealed class GpuMatrix
{
    public GpuMatrix(RowTileLayout layout, BufferView view, DeviceLimits limits)
    {
        Layout = layout;
        View = view;
        Ranges = Cut(layout, view, limits.MaxStorageBufferRange);
    }

    public RowTileLayout Layout { get; }

    public BufferView View { get; }

    public WeightFormat Format => Layout.Format;

    public uint Rows => (uint)Layout.Rows;

    public uint Cols => (uint)Layout.Cols;

    public IReadOnlyList<TileRange> Ranges { get; }

    /// <summary>What a kernel's variant is chosen for.</summary>
    public ProductShape ShapeFor(ProductKind kind) => new(kind, Format, Rows, Cols);

    /// <summary>Rows of the largest range: what a grid must cover.</summary>
    public uint LargestRange => Ranges.Max(r => r.RowCount);

    private static TileRange[] Cut(RowTileLayout layout, BufferView view, uint maxBytes)
    {
        int tilesPerRange = (int)Math.Min(layout.Tiles, maxBytes / layout.TileBytes);
        if (tilesPerRange == 0) throw new GpuModelException($"A row of {layout.Cols} columns is too long for this device's buffer bindings of {maxBytes} bytes.");
        var ranges = new TileRange[(layout.Tiles + tilesPerRange - 1) / tilesPerRange];
        for (int i = 0; i < ranges.Length; i++)
        {
            int firstTile = i * tilesPerRange, tiles = Math.Min(tilesPerRange, layout.Tiles - firstTile);
            int firstRow = firstTile * RowTileLayout.TileRows;
            ranges[i] = new TileRange(view.Slice((ulong)(firstTile * layout.TileBytes), (ulong)(tiles * layout.TileBytes)),
                (uint)firstRow, (uint)Math.Min(tiles * RowTileLayout.TileRows, layout.Rows - firstRow));
        }
        return ranges;
    }
}
