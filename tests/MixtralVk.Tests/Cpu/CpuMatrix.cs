using MixtralVk.Cpu;
using MixtralVk.Quantization;
using MixtralVk.Reference;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Cpu;

/// <summary>A random matrix in row tiles, and the floats that the reference reads from the same blocks.</summary>
internal sealed unsafe class CpuMatrix : IDisposable
{
    private readonly NativeBuffer _memory;

    public CpuMatrix(WeightFormat format, int rows, int cols, Random random)
        : this(format, rows, cols,
        Quantizer.Quantize(format, [.. Enumerable.Range(0, rows * cols).Select(_ => random.NextSingle() * 2 - 1)]))
    {
    }

    /// <summary>The same from the blocks of a file.</summary>
    public CpuMatrix(WeightFormat format, int rows, int cols, byte[] blocks)
    {
        Floats = Dequantize.Blocks(ReferenceModels.TypeOf(Quantizer.TypeOf(format)), blocks);
        var layout = new RowTileLayout(format, rows, cols);
        _memory = new NativeBuffer(layout.Bytes);
        Tiled = new TiledMatrix(layout, _memory.Pointer);
        int rowBytes = blocks.Length / rows;
        for (int tile = 0; tile < layout.Tiles; tile++)
            RowTile.Repack(layout,
                blocks.AsSpan(tile * RowTileLayout.TileRows * rowBytes, Tiled.RowsOf(tile) * rowBytes), Tiled.RowsOf(tile),
                new Span<byte>(Tiled.Tile(tile), (int)layout.TileBytes));
    }

    public TiledMatrix Tiled { get; }

    /// <summary>(rows, cols)</summary>
    public float[] Floats { get; }

    public void Dispose() => _memory.Dispose();
}
