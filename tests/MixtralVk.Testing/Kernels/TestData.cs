using System.Buffers.Binary;
using MixtralVk.Quantization;
using MixtralVk.Reference;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Testing.Kernels;

/// <summary>Seeded inputs.</summary>
internal static class TestData
{
    /// <summary>Values in [-1, 1].</summary>
    public static float[] Floats(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = random.NextSingle() * 2 - 1;
        return values;
    }

    /// <summary>Integers in [0, limit).</summary>
    public static int[] Ints(int count, int limit, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(limit))];
    }
}

/// <summary>A matrix of random blocks: its row tiles, and the values these stand for by the reference.</summary>
internal sealed class TestMatrix
{
    public TestMatrix(WeightFormat format, int rows, int cols, int seed)
    {
        Layout = new RowTileLayout(format, rows, cols);
        byte[] file = RandomBlocks(Layout, seed);
        Values = Dequantize.Blocks(TypeOf(format), file);
        Tiles = new byte[Layout.Bytes];
        for (int tile = 0; tile < Layout.Tiles; tile++)
        {
            int first = tile * RowTileLayout.TileRows, count = Math.Min(RowTileLayout.TileRows, rows - first);
            RowTile.Repack(Layout, file.AsSpan((int)(first * Layout.FileRowBytes), (int)(count * Layout.FileRowBytes)), count,
                Tiles.AsSpan((int)(tile * Layout.TileBytes), (int)Layout.TileBytes));
        }
    }

    public RowTileLayout Layout { get; }

    /// <summary>The matrix in row tiles.</summary>
    public byte[] Tiles { get; }

    /// <summary>(rows, cols)</summary>
    public float[] Values { get; }

    /// <summary>Random bits in everything but the scales, which are small finite halves; for F32, F16 and BF16, random values.</summary>
    private static byte[] RandomBlocks(RowTileLayout layout, int seed)
    {
        var random = new Random(seed);
        if (Quantizer.BlockValues(layout.Format) == 1)
            return Quantizer.Quantize(layout.Format, TestData.Floats(layout.Rows * layout.Cols, seed));
        var file = new byte[layout.Rows * layout.FileRowBytes];
        random.NextBytes(file);
        int blockBytes = Dequantize.BlockBytes(TypeOf(layout.Format));
        for (int block = 0; block < file.Length; block += blockBytes)
            foreach (int at in Quantizer.HalvesAt(layout.Format))
                BinaryPrimitives.WriteHalfLittleEndian(file.AsSpan(block + at), (Half)(0.001f + 0.01f * random.NextSingle()));
        return file;
    }

    private static TensorType TypeOf(WeightFormat format) => ReferenceModels.TypeOf(Quantizer.TypeOf(format));
}
