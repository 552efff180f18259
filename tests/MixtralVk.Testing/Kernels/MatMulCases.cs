using System.Runtime.InteropServices;
using MixtralVk.Kernels;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;
using EmbeddingReference = MixtralVk.Reference.EmbeddingRows;
using MatMulReference = MixtralVk.Reference.MatMul;
using QuantizeReference = MixtralVk.Reference.QuantizeRows;

namespace MixtralVk.Testing.Kernels;

/// <summary>Shapes of one matrix product: tokens of the step, of which the grid could hold <paramref name="MaxTokens"/>.</summary>
internal readonly record struct MatMulShape(WeightFormat Format, int Rows, int Cols, int Tokens, int MaxTokens);

/// <summary>Cases of the matrix product and of the embedding rows.</summary>
internal static class MatMulCases
{
    /// <summary>Bound of a product of any format: inputs are the very values of the reference, only the float sums differ.</summary>
    public const double Bound = 2e-5;

    /// <summary>
    /// Formats whose kernels are tested at every shape. The kernel's body is the same for all, so the others need only what the format
    /// decides.
    /// </summary>
    public static bool IsCommon(WeightFormat format) =>
        format is WeightFormat.F32 or WeightFormat.F16 or WeightFormat.Q8_0 or WeightFormat.Q4_0
        or WeightFormat.Q4_K or WeightFormat.Q5_K or WeightFormat.Q6_K;

    public static IEnumerable<KernelCase> All
    {
        get
        {
            foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            {
                // 3 blocks of 32 (or of 256) make the column splits unequal. Together the shapes and variants cover every way to cut and
                // fetch.
                int cols = Quantizer.BlockValues(format) == 256 ? 768 : 96;
                yield return MatMul(new(format, 130, cols, 5, 7), new(2, 4, Lanes: 32, ColumnSplits: 2));
                yield return MatMul(new(format, 130, cols, 3, 3), Software(2));
                yield return MatMul(new(format, 200, cols, 2, 2),
                    new(4, 1, Lanes: 16, WeightFetch: WeightFetch.Texel, ActivationFetch: ActivationFetch.Uniform), firstTile: 1);
                yield return Embedding(format, 300, cols, 6, 8, firstTile: 1, tiles: 2);
                if (QuantizeRows.Serves(format))
                {
                    yield return MatMul(
                        new(format, 130, cols, 5, 7), new(2, 4, Lanes: 32, ColumnSplits: 2, Arithmetic: Arithmetic.PackedInt8));
                    yield return MatMul(new(format, 200, cols, 1, 2),
                        new(4, 1, WeightFetch: WeightFetch.Texel, Arithmetic: Arithmetic.PackedInt8), firstTile: 1);
                }
                if (!IsCommon(format)) continue;
                yield return MatMul(new(format, 65, cols, 1, 1), new(1, 1, ColumnSplits: 2));
                yield return MatMul(new(format, 64, cols, 17, 17), Software(4), accumulate: true);
                yield return MatMul(new(format, 63, cols, 15, 20), new(1, 8, RunsPerLane: 2));
                yield return MatMul(new(format, 63, cols, 5, 6), new(2, 4, Lanes: 32, ColumnSplits: 2, PartsPerWorkgroup: 2));
                yield return MatMul(new(format, 26, cols, 3, 3), new(4, 4, ActivationFetch: ActivationFetch.Texel));
                yield return MatMul(new(format, 200, cols, 3, 4), new(8, 2, Lanes: 16, ColumnSplits: 4, WeightFetch: WeightFetch.Texel));
                yield return MatMul(new(format, 130, cols, 2, 3), new(1, 2, Lanes: 64, ColumnSplits: 2, WorkgroupSplits: 2));
                yield return Embedding(format, 300, cols, 6, 8, firstTile: 0, tiles: 5);
            }
            foreach (WeightFormat format in (WeightFormat[])[WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16])
                foreach ((int rows, int cols, int tokens) in ((int, int, int)[])[(1, 1, 1), (28, 17, 15), (26, 26, 26),
                    (172, 172, 3), (64, 15, 2)])
                {
                    yield return MatMul(new(format, rows, cols, tokens, tokens), new(1, 4, ColumnSplits: 2));
                    yield return MatMul(new(format, rows, cols, tokens, tokens),
                        cols % 4 == 0 ? Software(4) : Software(4) with { ActivationFetch = ActivationFetch.Storage });
                    yield return Embedding(format, rows, cols, tokens, tokens, 0, 99);
                }
            yield return Quantize(3, 2, 256);
            yield return Quantize(1, 1, 4096);
            yield return AddParts(3, 1, 70, 2, 66, partCount: 4, gated: false, accumulate: true);
            yield return AddParts(2, 2, 130, 0, 130, partCount: 2, gated: true, accumulate: false);
            // Real rows of Mixtral 8x7B: K/V and expert up projections. Of texels so many that every device may bind them, 65536.
            yield return MatMul(new(WeightFormat.Q4_0, 384, 4096, 1, 1), Software(1));
            yield return MatMul(new(WeightFormat.Q4_K, 1024, 4096, 1, 1), new(1, 1, ColumnSplits: 2));
            yield return MatMul(new(WeightFormat.Q5_K, 256, 4096, 1, 1), new(1, 1, ColumnSplits: 2));
            yield return MatMul(new(WeightFormat.Q6_K, 256, 14336, 1, 1), new(1, 1, ColumnSplits: 2));
            yield return MatMul(new(WeightFormat.Q8_0, 256, 14336, 2, 2), new(1, 4, ColumnSplits: 2));
            yield return MatMul(new(WeightFormat.F16, 128, 4096, 1, 1), new(1, 1, ColumnSplits: 2));
        }
    }

    /// <summary>What software drivers run.</summary>
    public static ProductVariant Software(uint tokensPerPass) =>
        new(8, tokensPerPass, Lanes: 8, WeightFetch: WeightFetch.Texel, ActivationFetch: ActivationFetch.Texel);

    /// <summary>The product of a seeded matrix; <paramref name="firstTile"/> binds only the tiles from there on.</summary>
    public static KernelCase<MatMul> MatMul(MatMulShape shape, ProductVariant variant, bool accumulate = false, int firstTile = 0)
    {
        var (format, rows, cols, tokens, maxTokens) = shape;
        string name = $"matmul {format} {rows}x{cols}x{tokens} {variant}{(accumulate ? " +=" : "")}{(firstTile > 0 ? $" from tile {firstTile}" : "")}";
        return new(name, memory =>
        {
            var matrix = new TestMatrix(format, rows, cols, 1);
            float[] input = TestData.Floats(tokens * cols, 2);
            QuantizedRows? packed = variant.Arithmetic == Arithmetic.PackedInt8 ? new QuantizedRows(input, cols) : null;
            float[] before = TestData.Floats(maxTokens * rows, 3);
            // Columns split over workgroups leave parts, which another kernel adds.
            int parts = (int)variant.WorkgroupSplits, stride = maxTokens * rows;
            CaseBuffer output = accumulate ? memory.InOut(before) : memory.Output(parts * stride);
            int firstRow = firstTile * RowTileLayout.TileRows;
            CaseBuffer weights = memory.Input<byte>(matrix.Tiles.AsSpan((int)(firstTile * matrix.Layout.TileBytes)), "weights");
            var kernel = new MatMul(format, weights, memory.Rows(tokens), memory.Input(input), output, (uint)cols,
                (uint)(rows - firstRow), (uint)firstRow,
                (uint)rows, accumulate, (uint)maxTokens, variant, (uint)stride,
                packed is null ? default : memory.Input(packed.Words, "quants").View);
            return (kernel, () =>
            {
                float[] product = MatMulReference.Run(matrix.Values, packed?.Values ?? input, cols),
                    expected = accumulate ? before : Compare.Untouched(stride);
                for (int i = 0; i < product.Length; i++)
                    if (i % rows >= firstRow) expected[i] = product[i] + (accumulate ? before[i] : 0);
                float[] actual = output.Read<float>()[..stride].ToArray();
                for (int i = 0; parts > 1 && i < product.Length; i++)
                    actual[i] = Enumerable.Range(0, parts).Sum(part => output.Read<float>()[part * stride + i]);
                Compare.Floats(expected, actual, Bound);
            });
        }, bytes: new RowTileLayout(format, rows, cols).Bytes + 4L * tokens * (rows + cols), flops: 2L * rows * cols * tokens);
    }

    /// <summary>
    /// GPUs divide with an error of some bits, so a value between two quants may become either: within one of them, and the sum is that of
    /// the quants.
    /// </summary>
    private static KernelCase<QuantizeRows> Quantize(int rows, int rowFactor, int cols) =>
        new($"quantize_rows {rows}*{rowFactor}x{cols}", memory =>
    {
        float[] input = TestData.Floats(rows * rowFactor * cols, 1);
        input.AsSpan(32, 32).Clear();
        int words = (int)QuantizeRows.WordsOf((uint)cols);
        CaseBuffer output = memory.Output((rows + 1) * rowFactor * words);
        var kernel = new QuantizeRows(memory.Rows(rows), memory.Input(input), output, (uint)cols, (uint)rowFactor, (uint)rows + 1);
        return (kernel, () =>
        {
            ReadOnlySpan<uint> actual = output.Read<uint>();
            for (int row = 0; row < rows * rowFactor; row++)
            {
                ReadOnlySpan<float> headers = MemoryMarshal.Cast<uint, float>(actual.Slice(row * words, words)[(cols / 4)..]);
                ReadOnlySpan<sbyte> quants = MemoryMarshal.Cast<uint, sbyte>(actual.Slice(row * words, cols / 4));
                var expected = QuantizeReference.Run(input.AsSpan(row * cols, cols));
                var expectedHeaders = new float[headers.Length];
                for (int block = 0; block < cols / 32; block++)
                {
                    ReadOnlySpan<sbyte> q = quants.Slice(block * 32, 32);
                    int sum = 0;
                    for (int i = 0; i < 32; i++)
                    {
                        if (Math.Abs(q[i] - expected.Quants[block * 32 + i]) > 1)
                            throw new CaseFailedException(
                                $"Quant {block * 32 + i} of row {row} is {q[i]}, not {expected.Quants[block * 32 + i]}.");
                        sum += q[i];
                    }
                    (expectedHeaders[2 * block], expectedHeaders[2 * block + 1]) = (expected.Scales[block], expected.Scales[block] * sum);
                }
                Compare.Floats(expectedHeaders, headers, 1e-5);
            }
            Compare.Words(Enumerable.Repeat(CaseBuffer.Poison, rowFactor * words).ToArray(), actual[^(rowFactor * words)..]);
        });
    });

    private static KernelCase<AddParts> AddParts(int rows, int rowFactor, int cols, int firstCol, int colCount, int partCount, bool gated,
        bool accumulate) => new(
        $"add_parts {partCount}{(gated ? " gated" : "")} {rows}*{rowFactor}x{cols}, {colCount} from {firstCol}{(accumulate ? " +=" : "")}",
        memory =>
    {
        int filled = rows * rowFactor * cols, stride = filled + cols;
        float[] parts = TestData.Floats((gated ? 2 : 1) * partCount * stride, 1), before = TestData.Floats(filled, 2);
        CaseBuffer output = memory.InOut(before);
        var kernel = new AddParts(memory.Rows(rows), memory.Input(parts), output, (uint)partCount, gated, accumulate, (uint)rowFactor,
            (uint)firstCol, (uint)colCount, (uint)cols,
            (uint)stride, (uint)rows + 1);
        return (kernel, () =>
        {
            var expected = (float[])before.Clone();
            for (int i = 0; i < filled; i++)
            {
                if (i % cols < firstCol || i % cols >= firstCol + colCount) continue;
                double Sum(int first) => Enumerable.Range(first, partCount).Sum(part => (double)parts[part * stride + i]);
                double sum = Sum(0), result = gated ? sum / (1 + Math.Exp(-sum)) * Sum(partCount) : sum;
                expected[i] = (float)(result + (accumulate ? before[i] : 0));
            }
            Compare.Floats(expected, output.Read<float>(), 1e-5);
        });
    });

    public static KernelCase<EmbeddingRows> Embedding(WeightFormat format, int rows, int cols, int tokens, int maxTokens,
        int firstTile, int tiles)
    {
        return new($"embedding_rows {format} {tokens} of {rows}x{cols} tiles {firstTile}+{tiles}", memory =>
        {
            var matrix = new TestMatrix(format, rows, cols, 1);
            int firstRow = firstTile * RowTileLayout.TileRows, rowCount = Math.Min(tiles * RowTileLayout.TileRows, rows - firstRow);
            int bound = (rowCount + RowTileLayout.TileRows - 1) / RowTileLayout.TileRows;
            int[] ids = TestData.Ints(tokens, rows, 2);
            ids[0] = firstRow;
            ids[^1] = firstRow + rowCount - 1;
            CaseBuffer output = memory.Output(maxTokens * cols);
            CaseBuffer weights = memory.Input<byte>(matrix.Tiles.AsSpan((int)(firstTile * matrix.Layout.TileBytes),
                (int)(bound * matrix.Layout.TileBytes)), "weights");
            var kernel = new EmbeddingRows(format, weights, memory.Rows(tokens), memory.Input(ids), output, (uint)cols, (uint)firstRow,
                (uint)rowCount, (uint)maxTokens);
            return (kernel, () =>
            {
                float[] all = EmbeddingReference.Run(matrix.Values, ids, cols), expected = Compare.Untouched(maxTokens * cols);
                for (int t = 0; t < tokens; t++)
                    if (ids[t] >= firstRow && ids[t] < firstRow + rowCount) all.AsSpan(t * cols, cols).CopyTo(expected.AsSpan(t * cols));
                Compare.Floats(expected, output.Read<float>(), 1e-6);
            });
        });
    }
}
