using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Testing.Kernels;
using SwiGluReference = MixtralVk.Reference.ExpertGateUp;

namespace MixtralVk.Bench;

/// <summary>The matrix products at the shapes of a model, in every variant the device can run.</summary>
internal sealed class ProductCases(DeviceDescription device)
{
    private static double Bound(ProductVariant variant) => variant.Arithmetic == Arithmetic.PackedInt8 ? PackedBound : 5e-5;

    /// <summary>
    /// Of the root mean square of the outputs: rounding an input of random values to 8 bits costs 0.4 % of it, and 64 outputs are looked
    /// at.
    /// </summary>
    private const double PackedBound = 0.03;

    private static readonly int[] Tokens = [1, 4, 16, 128];

    private readonly ProductChoices _shipped = ProductChoices.Shipped(device);
    private readonly List<((Matrix, int Seed) Key, PatternMatrix Value)> _recent = []; // the variants of one shape come one after the other

    // The case's guard zone lies inside the binding.
    private long MaxBytes => device.Limits.MaxStorageBufferRange - (64 << 10);

    public IEnumerable<BenchCase> Of(ModelShape model) =>
    [
        .. model.Products.SelectMany(matrix =>
            Variants(ProductKind.Dense, matrix, new MatMul { Format = matrix.Format }.Shader, MatMul, "Weights")),
        .. model.GateUps.SelectMany(matrix =>
            Variants(ProductKind.GateUp, matrix, new ExpertGateUp { Format = matrix.Format }.Shader, GateUp, "Gate", "Up")),
        .. model.Downs.SelectMany(matrix =>
            Variants(ProductKind.Down, matrix, new ExpertMatMul { Format = matrix.Format }.Shader, Down, "Weights")),
    ];

    private IEnumerable<BenchCase> Variants(ProductKind kind, Matrix matrix, string shader,
        Func<Matrix, int, ProductVariant, KernelCase> make, params string[] cold)
    {
        var shape = new ProductShape(kind, matrix.Format, (uint)matrix.Rows, (uint)matrix.Cols);
        foreach (int tokens in Tokens)
        {
            TokenClass tokenClass = TokenClasses.Of((uint)tokens);
            ProductVariant shipped = _shipped.For(shape, tokenClass);
            foreach (ProductVariant variant in ProductVariants.ValidOn(device, shape, tokenClass).Append(shipped).Distinct())
                yield return new BenchCase(shader, $"{matrix}x{tokens}", variant.ToString(), variant == shipped ? "shipped" : "",
                    () => make(matrix, tokens, variant), cold);
        }
    }

    private KernelCase MatMul(Matrix matrix, int tokens, ProductVariant variant)
    {
        PatternMatrix weights = Pattern(matrix, 1);
        (int rows, int cols) = (weights.Layout.Rows, matrix.Cols);
        return new ProductCase<MatMul>("product", memory =>
        {
            float[] input = TestData.Floats(tokens * cols, 2);
            CaseBuffer output = memory.Output(tokens * rows), x = memory.Input(input);
            QuantizeRows? first = Quantize(memory, x, tokens, cols, variant);
            (CaseBuffer to, AddParts? second) = Split(memory, output, tokens, rows, variant, isGated: false);
            var kernel = new MatMul(matrix.Format, memory.Input(weights.Tiles, "weights"), memory.Rows(tokens), x, to, (uint)cols,
                (uint)rows, 0, (uint)rows,
                false, (uint)tokens, variant, PartStride(tokens, rows), first?.Quants ?? default);
            return (first, kernel, second, () => new SampledOutput(tokens, rows, Bound(variant))
                .Compare(output.Read<float>(), (token, row) => weights.Dot(row, input.AsSpan(token * cols, cols))));
        }, weights.Layout.Bytes + 4L * tokens * (rows + cols), 2L * rows * cols * tokens);
    }

    private KernelCase GateUp(Matrix matrix, int tokens, ProductVariant variant)
    {
        PatternMatrix gate = Pattern(matrix, 1), up = Pattern(matrix, 2);
        (int rows, int cols) = (gate.Layout.Rows, matrix.Cols);
        return new ProductCase<ExpertGateUp>("gate and up", memory =>
        {
            float[] input = TestData.Floats(tokens * cols, 3);
            CaseBuffer x = memory.Input(input);
            QuantizeRows? first = Quantize(memory, x, tokens, cols, variant);
            CaseBuffer output = memory.Output(tokens * rows), entries = memory.Input<int>([.. Enumerable.Range(0, tokens)], "entries");
            (CaseBuffer to, AddParts? second) = Split(memory, output, tokens, rows, variant, isGated: true);
            var kernel = new ExpertGateUp(matrix.Format, memory.Input<int>([tokens, 0], "groups"), entries,
                memory.Input(gate.Tiles, "gate"), memory.Input(up.Tiles, "up"),
                x, to, 0, 1, (uint)cols, (uint)rows, 0, (uint)rows, (uint)tokens, variant, PartStride(tokens, rows),
                first?.Quants ?? default);
            return (first, kernel, second,
                () => new SampledOutput(tokens, rows, Bound(variant)).Compare(output.Read<float>(), (token, row) =>
                SwiGluReference.SwiGlu((float)gate.Dot(row, input.AsSpan(token * cols, cols)),
                    (float)up.Dot(row, input.AsSpan(token * cols, cols)))));
        }, 2 * gate.Layout.Bytes + 4L * tokens * (rows + cols), 4L * rows * cols * tokens);
    }

    private KernelCase Down(Matrix matrix, int tokens, ProductVariant variant)
    {
        PatternMatrix weights = Pattern(matrix, 1);
        (int rows, int cols) = (weights.Layout.Rows, matrix.Cols);
        return new ProductCase<ExpertMatMul>("down", memory =>
        {
            float[] input = TestData.Floats(tokens * cols, 3);
            CaseBuffer x = memory.Input(input);
            QuantizeRows? first = Quantize(memory, x, tokens, cols, variant);
            CaseBuffer output = memory.Output(tokens * rows), entries = memory.Input<int>([.. Enumerable.Range(0, tokens)], "entries");
            (CaseBuffer to, AddParts? second) = Split(memory, output, tokens, rows, variant, isGated: false);
            var kernel = new ExpertMatMul(matrix.Format, memory.Input<int>([tokens, 0], "groups"), entries,
                memory.Input(weights.Tiles, "weights"), x, to,
                0, 1, (uint)cols, (uint)rows, 0, (uint)rows, (uint)tokens, variant, PartStride(tokens, rows), first?.Quants ?? default);
            return (first, kernel, second, () => new SampledOutput(tokens, rows, Bound(variant))
                .Compare(output.Read<float>(), (token, row) => weights.Dot(row, input.AsSpan(token * cols, cols))));
        }, weights.Layout.Bytes + 4L * tokens * (rows + cols), 2L * rows * cols * tokens);
    }

    private static QuantizeRows? Quantize(CaseMemory memory, CaseBuffer input, int tokens, int cols, ProductVariant variant) =>
        variant.Arithmetic != Arithmetic.PackedInt8 ? null
        : new QuantizeRows(memory.Rows(tokens), input, memory.Output(tokens * (int)QuantizeRows.WordsOf((uint)cols), "quants"),
        (uint)cols, 1, (uint)tokens);

    /// <summary>Where the product writes, and what adds its parts where columns are split over workgroups.</summary>
    private static (CaseBuffer To, AddParts? Second) Split(CaseMemory memory, CaseBuffer output, int tokens, int rows,
        ProductVariant variant, bool isGated)
    {
        if (variant.WorkgroupSplits == 1) return (output, null);
        uint stride = PartStride(tokens, rows);
        CaseBuffer parts = memory.Output((int)((isGated ? 2 : 1) * variant.WorkgroupSplits * stride), "parts");
        return (parts, new AddParts(memory.Rows(tokens), parts, output, variant.WorkgroupSplits, isGated, false, 1, 0, (uint)rows,
            (uint)rows, stride, (uint)tokens));
    }

    private static uint PartStride(int tokens, int rows) => AddParts.StrideOf((uint)tokens, (uint)rows);

    private PatternMatrix Pattern(Matrix matrix, int seed)
    {
        int at = _recent.FindIndex(r => r.Key == (matrix, seed));
        if (at >= 0) return _recent[at].Value;
        if (_recent.Count == 2) _recent.RemoveAt(0);
        var made = new PatternMatrix(matrix, seed, MaxBytes);
        _recent.Add(((matrix, seed), made));
        return made;
    }
}
