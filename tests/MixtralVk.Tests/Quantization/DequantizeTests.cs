using System.Runtime.InteropServices;
using MixtralVk.Kernels;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;
using MixtralVk.Testing.Kernels;
using MixtralVk.Tests.Kernels;
using DequantizeReference = MixtralVk.Reference.Dequantize;

namespace MixtralVk.Tests.Quantization;

/// <summary>
/// Every format's values, bit for bit, against those llama.cpp read from the same blocks (tools/goldens/blocks.sh): random bits under
/// denormal, negative, zero and greatest scales, and blocks of its own quantiser.
/// </summary>
[Collection(VulkanCollection.Name)]
public sealed class DequantizeTests(KernelDevice gpu)
{
    private const int Cols = 256;
    private static readonly string _goldens = Path.Combine(AppContext.BaseDirectory, "Quantization", "goldens");

    public static TheoryData<WeightFormat> Formats => [.. Enum.GetValues<WeightFormat>().Where(f => f != WeightFormat.F32)];

    [Theory, MemberData(nameof(Formats))]
    public void The_reference_reads_llama_cpp_s_values(WeightFormat format) =>
        AssertBits(Golden(format), DequantizeReference.Blocks(ReferenceModels.TypeOf(Quantizer.TypeOf(format)), Blocks(format)));

    [Theory, MemberData(nameof(Formats))]
    public void A_row_of_a_tile_has_llama_cpp_s_values(WeightFormat format)
    {
        var (layout, tile) = Tile(format, Blocks(format));
        var values = new float[layout.Rows * Cols];
        for (int row = 0; row < layout.Rows; row++) RowTile.DequantizeRow(layout, tile, row, values.AsSpan(row * Cols, Cols));
        AssertBits(Golden(format), values);
    }

    [Theory, MemberData(nameof(Formats))]
    public unsafe void A_panel_of_the_tile_product_has_llama_cpp_s_values(WeightFormat format)
    {
        var (layout, tile) = Tile(format, Blocks(format));
        var values = new float[layout.Rows * Cols];
        var panel = new float[DequantizePanel.Floats];
        fixed (byte* data = tile)
        fixed (float* to = panel)
            for (int p = 0; p < Cols / DequantizePanel.Cols; p++)
            {
                DequantizePanel.Run(layout, data, p, 0, RowTileLayout.TileRows, to);
                for (int i = 0; i < layout.Rows * DequantizePanel.Cols; i++)
                {
                    int row = i / DequantizePanel.Cols, col = i % DequantizePanel.Cols;
                    values[row * Cols + p * DequantizePanel.Cols + col] = panel[col * RowTileLayout.TileRows + row];
                }
            }
        AssertBits(Golden(format), values);
    }

    [Theory, MemberData(nameof(Formats))]
    public void The_gpu_reads_llama_cpp_s_values(WeightFormat format) => AssertBits(Golden(format), OnGpu(format, Blocks(format)));

    /// <summary>A block whose scale is NaN or infinite is read by everyone, gives nothing finite and spoils no other block.</summary>
    [Theory, MemberData(nameof(Formats))]
    public void Scales_that_are_not_finite_spoil_their_own_block(WeightFormat format)
    {
        float[] clean = Golden(format);
        int block = Quantizer.BlockValues(format), every = Cols / block * 2;
        foreach (float number in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            byte[] blocks = Blocks(format);
            Quantizer.Poison(format, blocks, number, every);
            var (layout, tile) = Tile(format, blocks);
            var row = new float[Cols];
            for (int r = 0; r < layout.Rows; r++)
            {
                RowTile.DequantizeRow(layout, tile, r, row);
                Check(row, r * Cols, "cpu");
            }
            Check(DequantizeReference.Blocks(ReferenceModels.TypeOf(Quantizer.TypeOf(format)), blocks), 0, "reference");
            Check(OnGpu(format, blocks), 0, "vulkan");
        }

        void Check(ReadOnlySpan<float> values, int first, string reader)
        {
            for (int i = 0; i < values.Length; i++)
            {
                bool spoilt = (first + i) / block % every == 0;
                Assert.True(spoilt ? !float.IsFinite(values[i])
                    : Bits(clean[first + i]) == Bits(values[i]), $"{reader}: value {first + i} is {values[i]}.");
            }
        }
    }

    [Theory, MemberData(nameof(Formats))]
    public void Block_sizes_are_those_of_the_file_type(WeightFormat format)
    {
        Assert.Equal((Quantizer.BlockValues(format), Quantizer.BlockBytes(format)),
            (BlockFormat.Of(format).FileElements, BlockFormat.Of(format).FileBytes));
        Assert.Equal(format.ToString(), Quantizer.TypeOf(format).ToString());
    }

    private float[] OnGpu(WeightFormat format, byte[] blocks)
    {
        var (layout, tile) = Tile(format, blocks);
        float[] values = [];
        gpu.Run(memory =>
        {
            int rows = layout.Rows;
            CaseBuffer output = memory.Output(rows * Cols);
            var kernel = new EmbeddingRows(format, memory.Input<byte>(tile), memory.Rows(rows),
                memory.Input<int>([.. Enumerable.Range(0, rows)]), output,
                Cols, 0, (uint)rows, (uint)rows);
            memory.Run(recorder => recorder.Dispatch(kernel));
            values = output.Read<float>().ToArray();
        });
        return values;
    }

    private static (RowTileLayout Layout, byte[] Tile) Tile(WeightFormat format, byte[] blocks)
    {
        var layout = new RowTileLayout(format, blocks.Length / (int)new RowTileLayout(format, 1, Cols).FileRowBytes, Cols);
        var tile = new byte[layout.TileBytes];
        RowTile.Repack(layout, blocks, layout.Rows, tile);
        return (layout, tile);
    }

    private static byte[] Blocks(WeightFormat format) => File.ReadAllBytes(PathOf(format, ".blocks"));

    private static float[] Golden(WeightFormat format) =>
        MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(PathOf(format, ".f32"))).ToArray();

    private static string PathOf(WeightFormat format, string extension) =>
        Path.Combine(_goldens, format.ToString().ToLowerInvariant() + extension);

    private static void AssertBits(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Bits(expected[i]) == Bits(actual[i]),
                $"Value {i} is {actual[i]:R} (0x{Bits(actual[i]):X8}), not {expected[i]:R} (0x{Bits(expected[i]):X8}).");
    }

    private static uint Bits(float value) => BitConverter.SingleToUInt32Bits(value);
}
