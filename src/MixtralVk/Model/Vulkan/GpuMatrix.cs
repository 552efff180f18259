using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Quantization;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// A run of whole tiles that fits one buffer binding: rows <paramref name="FirstRow"/> .. + <paramref name="RowCount"/> of its matrix.
/// </summary>
internal readonly record struct TileRange(BufferView View, uint FirstRow, uint RowCount);

/// <summary>
/// A weight matrix on the device in the row-tile layout, cut into ranges of whole tiles no larger than a binding may be (Mixtral's output
/// matrix in F16 is 250 MiB, the guaranteed limit 128).
/// </summary>
internal sealed class GpuMatrix
{
    private readonly int _tilesPerRange;

    public GpuMatrix(RowTileLayout layout, BufferView view, DeviceLimits limits)
    {
        Layout = layout;
        View = view;
        _tilesPerRange = (int)Math.Min(layout.Tiles, limits.MaxStorageBufferRange / layout.TileBytes);
        if (_tilesPerRange == 0)
            throw new GpuModelException(
                $"A row of {layout.Cols} columns is too long for this device's buffer bindings of {limits.MaxStorageBufferRange} bytes.");
    }

    public RowTileLayout Layout { get; }

    public BufferView View { get; }

    public WeightFormat Format => Layout.Format;

    public uint Rows => (uint)Layout.Rows;

    public uint Cols => (uint)Layout.Cols;

    /// <summary>All of it.</summary>
    public IEnumerable<TileRange> Ranges => RangesOf(0, 1);

    /// <summary>What a kernel's variant is chosen for.</summary>
    public ProductShape ShapeFor(ProductKind kind) => new(kind, Format, Rows, Cols);

    /// <summary>One of so many parts (<see cref="RowTileLayout.PartTiles"/>).</summary>
    public IEnumerable<TileRange> RangesOf(int part, int parts)
    {
        (int first, int count) = Layout.PartTiles(part, parts);
        for (int tile = first; tile < first + count; tile += _tilesPerRange)
        {
            int tiles = Math.Min(_tilesPerRange, first + count - tile), firstRow = tile * RowTileLayout.TileRows;
            yield return new TileRange(View.Slice((ulong)(tile * Layout.TileBytes), (ulong)(tiles * Layout.TileBytes)),
                (uint)firstRow, (uint)Math.Min(tiles * RowTileLayout.TileRows, Layout.Rows - firstRow));
        }
    }

    /// <summary>Rows of the largest range of any of so many parts: what a grid must cover.</summary>
    public uint LargestRangeOf(int parts) =>
        (uint)Math.Min(Math.Min(_tilesPerRange, (Layout.Tiles + parts - 1) / parts) * RowTileLayout.TileRows, Layout.Rows);
}
