using MixtralVk.Loading;
using MixtralVk.Quantization;
using MixtralVk.Reference;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Quantization;

public sealed class RowTileTests
{
    public static TheoryData<WeightFormat, int, int> Shapes
    {
        get
        {
            var shapes = new TheoryData<WeightFormat, int, int>();
            foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            {
                int block = Quantizer.BlockValues(format);
                foreach (int rows in (int[])[1, 15, 16, 17, 50, 63, 64])
                    foreach (int blocks in block == 1 ? (int[])[1, 2, 3, 4, 7, 129, 172] : [1, 2, 5])
                        shapes.Add(format, rows, blocks * block);
            }
            return shapes;
        }
    }

    /// <summary>Random bytes, so every bit pattern of a block moves, and stays bit for bit.</summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void EveryWordLiesWhereTheDesignSays(WeightFormat format, int rows, int cols)
    {
        var layout = new RowTileLayout(format, rows, cols);
        byte[] file = RandomRows(layout, rows), tile = Repacked(layout, file, rows);

        var expected = new byte[layout.TileBytes];
        (int elements, int blockBytes) = Quantizer.TypeOf(format).Block();
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<byte> source = file.AsSpan((int)(row * layout.FileRowBytes), (int)layout.FileRowBytes);
            if (elements == 1)
            {
                // The row's bytes as words, the last one of an odd row of 16-bit floats with a zero high half.
                for (int i = 0; i < source.Length; i++) expected[(i / 4 * 64 + row) * 4 + i % 4] = source[i];
                continue;
            }
            for (int block = 0; block < cols / elements; block++)
            {
                long section = 0;
                foreach ((int at, int unit, int count) in Sections(format))
                {
                    for (int i = 0; i < unit * count; i++)
                        expected[section + ((long)(block * count + i / unit) * 64 + row) * unit + i % unit] =
                            source[block * blockBytes + at + i];
                    section += (long)layout.Blocks * count * 64 * unit;
                }
            }
        }
        Assert.Equal(expected, tile);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void DequantizedRowIsTheReferences(WeightFormat format, int rows, int cols)
    {
        var layout = new RowTileLayout(format, rows, cols);
        byte[] file = RandomRows(layout, rows), tile = Repacked(layout, file, rows);
        var row = new float[cols];
        for (int r = 0; r < rows; r++)
        {
            RowTile.DequantizeRow(layout, tile, r, row);
            float[] expected = Dequantize.Blocks((TensorType)Quantizer.TypeOf(format),
                file.AsSpan((int)(r * layout.FileRowBytes), (int)layout.FileRowBytes));
            Assert.Equal(expected, row);
        }
        var all = new float[rows * cols];
        RowTile.DequantizeRows(layout, tile, all);
        for (int r = 0; r < rows; r++)
        {
            RowTile.DequantizeRow(layout, tile, r, row);
            Assert.Equal(row, all.AsSpan(r * cols, cols));
        }
    }

    [Theory]
    [InlineData(WeightFormat.F32, 3, 3 * 4 * 64)]
    [InlineData(WeightFormat.F16, 3, 2 * 4 * 64)]
    [InlineData(WeightFormat.BF16, 3, 2 * 4 * 64)]
    [InlineData(WeightFormat.Q8_0, 64, 2 * 34 * 64)]
    [InlineData(WeightFormat.Q4_0, 96, 3 * 18 * 64 + 128)]
    [InlineData(WeightFormat.Q4_K, 512, 2 * 144 * 64)]
    [InlineData(WeightFormat.Q5_K, 512, 2 * 176 * 64)]
    [InlineData(WeightFormat.Q6_K, 256, 210 * 64 + 128)]
    [InlineData(WeightFormat.Q4_1, 96, 3 * 20 * 64)]
    [InlineData(WeightFormat.Q5_0, 96, 3 * 22 * 64 + 128)]
    [InlineData(WeightFormat.Q5_1, 96, 3 * 24 * 64)]
    [InlineData(WeightFormat.Q2_K, 512, 2 * 84 * 64)]
    [InlineData(WeightFormat.Q3_K, 256, 110 * 64 + 128)]
    [InlineData(WeightFormat.IQ4_NL, 64, 2 * 18 * 64)]
    [InlineData(WeightFormat.IQ4_XS, 512, 2 * 136 * 64)]
    public void TileSizesAreTheFormatsPaddedTo256(WeightFormat format, int cols, int bytes)
    {
        var layout = new RowTileLayout(format, 65, cols);
        Assert.Equal(bytes, layout.TileBytes);
        Assert.Equal(2 * bytes, layout.Bytes);
        Assert.Equal(0, layout.TileBytes % 256);
    }

    [Fact]
    public void WrongSizesAreRefused()
    {
        var layout = new RowTileLayout(WeightFormat.Q4_0, 64, 64);
        byte[] rows = new byte[64 * 36], tile = new byte[layout.TileBytes];
        Assert.Throws<ArgumentOutOfRangeException>(() => RowTile.Repack(layout, rows, 63, tile));
        Assert.Throws<ArgumentOutOfRangeException>(() => RowTile.Repack(layout, rows, 64, tile.AsSpan(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            RowTile.Repack(layout with { Cols = 65 }, rows, 64, new byte[(layout with { Cols = 65 }).TileBytes]));
        Assert.Throws<ArgumentOutOfRangeException>(() => RowTile.DequantizeRow(layout, tile, 64, new float[64]));
        Assert.Throws<ArgumentOutOfRangeException>(() => RowTile.DequantizeRow(layout, tile, 0, new float[63]));
        Assert.Throws<ArgumentOutOfRangeException>(() => RowTile.DequantizeRows(layout, tile, new float[63]));
        Assert.Throws<ArgumentOutOfRangeException>(() => RowTile.DequantizeRows(layout, tile, new float[65 * 64]));
        Assert.Throws<ArgumentOutOfRangeException>(() => RowTile.DequantizeRows(layout, tile, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => RowTile.DequantizeRows(layout, tile.AsSpan(1), new float[64]));
    }

    /// <summary>Sections of docs/design.md's table: offset in the file's block, bytes of a unit, units per block.</summary>
    private static (int At, int Unit, int Count)[] Sections(WeightFormat format) => format switch
    {
        WeightFormat.Q8_0 => [(2, 4, 8), (0, 2, 1)],
        WeightFormat.Q4_0 => [(2, 4, 4), (0, 2, 1)],
        WeightFormat.Q4_K => [(16, 4, 32), (0, 4, 4)],
        WeightFormat.Q5_K => [(16, 4, 40), (0, 4, 4)],
        WeightFormat.Q6_K => [(0, 4, 48), (192, 4, 4), (208, 2, 1)],
        WeightFormat.Q4_1 => [(0, 4, 5)],
        WeightFormat.Q5_0 => [(2, 4, 5), (0, 2, 1)],
        WeightFormat.Q5_1 => [(0, 4, 6)],
        WeightFormat.Q2_K => [(0, 4, 21)],
        WeightFormat.Q3_K => [(0, 4, 27), (108, 2, 1)],
        WeightFormat.IQ4_NL => [(2, 4, 4), (0, 2, 1)],
        WeightFormat.IQ4_XS => [(0, 4, 34)],
        WeightFormat.F32 or WeightFormat.F16 or WeightFormat.BF16 => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    private static byte[] RandomRows(RowTileLayout layout, int rows)
    {
        var bytes = new byte[rows * layout.FileRowBytes];
        new Random(rows * 1000 + layout.Cols).NextBytes(bytes);
        return bytes;
    }

    /// <summary>The tile starts as garbage, which must all be overwritten.</summary>
    private static byte[] Repacked(RowTileLayout layout, byte[] file, int rows)
    {
        var tile = new byte[layout.TileBytes];
        Array.Fill(tile, (byte)0xCD);
        RowTile.Repack(layout, file, rows, tile);
        return tile;
    }
}
