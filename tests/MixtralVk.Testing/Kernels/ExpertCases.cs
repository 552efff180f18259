using MixtralVk.Kernels;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;
using GateUpReference = MixtralVk.Reference.ExpertGateUp;
using GroupReference = MixtralVk.Reference.GroupTokens;
using MatMulReference = MixtralVk.Reference.MatMul;
using RouterReference = MixtralVk.Reference.RouterTopK;

namespace MixtralVk.Testing.Kernels;

/// <summary>Shapes of the product of one expert.</summary>
internal readonly record struct ExpertShape(WeightFormat Format, int Rows, int Cols, int Tokens, int TopK, int Experts, int Expert);

/// <summary>Cases of the router, the grouping of tokens and the products of one expert.</summary>
internal static class ExpertCases
{
    public static IEnumerable<KernelCase> All
    {
        get
        {
            yield return Router(1, 1, 1, 1);
            yield return Router(5, 64, 8, 2);
            yield return Router(3, 100, 4, 1);
            yield return Router(3, 300, 16, 3);
            yield return Router(2, 65, 127, 16);
            yield return Router(2, 128, 128, 2);
            yield return Router(1, 4096, 8, 2);
            yield return EqualLogits();
            yield return Group(1, 1, 1);
            yield return Group(3, 2, 4);
            yield return Group(33, 2, 8);
            yield return Group(100, 3, 128);
            yield return Group(33, 2, 8, slots: 3);
            yield return Group(1, 2, 4, slots: 1);
            foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            {
                int cols = Quantizer.BlockValues(format) == 256 ? 256 : 96;
                yield return GateUp(new(format, 130, cols, 26, 2, 4, 1), MatMulCases.Software(2));
                yield return Down(new(format, 130, cols, 26, 2, 4, 1), new(2, 2, RunsPerLane: 2), divisor: 1);
                if (QuantizeRows.Serves(format))
                {
                    yield return GateUp(new(format, 130, cols, 26, 2, 4, 1), new(1, 2, Lanes: 32, Arithmetic: Arithmetic.PackedInt8));
                    yield return Down(new(format, 65, cols, 26, 2, 4, 1), new(2, 4, Arithmetic: Arithmetic.PackedInt8), divisor: 1);
                }
                if (!MatMulCases.IsCommon(format)) continue;
                yield return GateUp(new(format, 65, cols, 1, 2, 4, 3), new(1, 1, ColumnSplits: 2));
                yield return GateUp(new(format, 130, cols, 26, 2, 4, 1), new(2, 4, ColumnSplits: 2));
                yield return GateUp(new(format, 64, cols, 40, 1, 2, 0), new(1, 4, ActivationFetch: ActivationFetch.Uniform));
                yield return Down(new(format, 65, cols, 1, 2, 4, 3), new(1, 1, ColumnSplits: 2), divisor: 1);
                yield return Down(new(format, 130, cols, 26, 2, 4, 1), MatMulCases.Software(4), divisor: 1);
                yield return Down(new(format, 64, cols, 26, 2, 4, 1), new(4, 4, Lanes: 32, WeightFetch: WeightFetch.Texel), divisor: 2);
            }
            yield return GateUp(new(WeightFormat.F32, 172, 172, 3, 2, 4, 1), new(1, 4, ColumnSplits: 2));
            yield return Down(new(WeightFormat.F16, 172, 17, 3, 2, 4, 1), new(1, 4, ColumnSplits: 2), divisor: 1);
            yield return GateUp(new(WeightFormat.Q4_0, 192, 4096, 1, 2, 8, 7), MatMulCases.Software(1));
        }
    }

    public static KernelCase<RouterTopK> Router(int rows, int dim, int experts, int topK) =>
        new($"router_top_k {rows}x{dim} top-{topK} of {experts}", memory =>
    {
        float[] input = TestData.Floats(rows * dim, 1), router = TestData.Floats(experts * dim, 2);
        return Router(memory, input, router, rows, dim, experts, topK);
    }, bytes: 4L * experts * dim, flops: 2L * rows * experts * dim);

    /// <summary>Every expert has the same row: ties go to the lower index.</summary>
    public static KernelCase<RouterTopK> EqualLogits() => new("router_top_k ties", memory =>
    {
        float[] row = TestData.Floats(64, 2);
        return Router(memory, TestData.Floats(2 * 64, 1), [.. Enumerable.Repeat(row, 8).SelectMany(r => r)], 2, 64, 8, 3);
    });

    private static (RouterTopK, Action) Router(CaseMemory memory, float[] input, float[] router, int rows, int dim, int experts, int topK)
    {
        int maxRows = rows + 1;
        CaseBuffer ids = memory.Output(maxRows * topK, "ids"), weights = memory.Output(maxRows * topK, "weights"), status = memory.Status();
        var kernel = new RouterTopK(memory.Rows(rows), memory.Input(input), memory.Input(router), ids, weights, status, (uint)dim,
            (uint)experts, (uint)topK, 3, (uint)maxRows);
        return (kernel, () =>
        {
            var expected = RouterReference.Run(input, router, experts, topK);
            Compare.Choice(expected.Ids, expected.Weights, ids.Read<int>(), weights.Read<float>(), 1e-5);
            Compare.Words([CaseBuffer.Poison], ids.Read<uint>()[^1..]);
            Compare.Words([CaseMemory.NoSite], status.Read<uint>());
        });
    }

    /// <summary>
    /// The grouping with every expert in the slot of its own number, or with fewer slots: the first empty, the others with experts in
    /// another order.
    /// </summary>
    public static KernelCase<GroupTokens> Group(int tokens, int topK, int experts, int? slots = null) =>
        new($"group_tokens {tokens} top-{topK} of {experts}{(slots is int n ? $" in {n} slots" : "")}", memory =>
    {
        ExpertGrids gateUp = new(new(8, 1, 3), new(7, 2, 5), new(3, 8, 2), 1, 5), down = new(new(5, 1), new(9, 1), new(4, 16), 0, 3);
        int[] ids = ExpertIds(tokens, topK, experts);
        var expected = GroupReference.Run(ids, experts);
        int slotCount = slots ?? experts;
        int[] slotOf = [.. Enumerable.Range(0, experts).Select(e => slots is null ? e : e < slotCount - 1 ? slotCount - 1 - e : -1)];
        CaseBuffer groups = memory.Output(2 * slotCount, "groups"), entries = memory.Output(ids.Length, "entries"),
            arguments = memory.Output(18 * slotCount, "arguments");
        var kernel = new GroupTokens(memory.Rows(tokens), memory.Input(ids), memory.Input(slotOf, "slots"), groups, entries, arguments,
            (uint)experts, (uint)slotCount, (uint)topK, gateUp, down, (uint)tokens);
        return (kernel, () =>
        {
            uint[] listed = [.. Enumerable.Repeat(CaseBuffer.Poison, ids.Length)];
            for (int slot = 0; slot < slotCount; slot++)
            {
                int expert = Array.IndexOf(slotOf, slot);
                uint count = expert < 0 ? 0 : (uint)expected.Counts[expert];
                ReadOnlySpan<uint> group = groups.Read<uint>().Slice(2 * slot, 2);
                Compare.Words([count], group[..1]);
                if (count > 0) Compare.Words([(uint)expected.Offsets[expert]], group[1..]);
                for (int i = 0; i < count; i++) listed[expected.Offsets[expert] + i] = (uint)expected.Entries[expected.Offsets[expert] + i];
                foreach (bool isDown in (bool[])[false, true])
                    foreach (ExpertWidth width in Enum.GetValues<ExpertWidth>())
                    {
                        ExpertGrids grids = isDown ? down : gateUp;
                        ExpertWidth serving = count <= grids.SingleLimit ? ExpertWidth.Single : count <= grids.NarrowLimit
                            ? ExpertWidth.Narrow : ExpertWidth.Wide;
                        ExpertGrid grid = width switch { ExpertWidth.Single => grids.Single, ExpertWidth.Narrow => grids.Narrow,
                            ExpertWidth.Wide => grids.Wide };
                        uint[] size = count == 0 || width != serving
                            ? [0, 0, 0] : [grid.Workgroups, (count + grid.TokensPerPass - 1) / grid.TokensPerPass, grid.Splits];
                        Compare.Words(size,
                            arguments.Read<uint>().Slice((int)GroupTokens.ArgumentOffset((uint)slot, isDown, width) / 4, 3));
                    }
            }
            Compare.Words(listed, entries.Read<uint>());
        });
    });

    /// <summary>Gate and up with SwiGLU; rows of other experts' entries must stay as they are.</summary>
    public static KernelCase<ExpertGateUp> GateUp(ExpertShape shape, ProductVariant variant)
    {
        var (format, rows, cols, tokens, topK, experts, expert) = shape;
        return new($"expert_gate_up {format} {rows}x{cols} {tokens} top-{topK} {variant}", memory =>
        {
            TestMatrix gate = new(format, rows, cols, 1), up = new(format, rows, cols, 2);
            float[] input = TestData.Floats(tokens * cols, 3);
            QuantizedRows? packed = variant.Arithmetic == Arithmetic.PackedInt8 ? new QuantizedRows(input, cols) : null;
            float[] x = packed?.Values ?? input;
            ExpertEntries served = new(memory, shape);
            CaseBuffer output = memory.Output(tokens * topK * rows);
            var kernel = new ExpertGateUp(format, served.Groups, served.Entries, memory.Input(gate.Tiles), memory.Input(up.Tiles),
                memory.Input(input), output,
                (uint)expert, (uint)topK, (uint)cols, (uint)rows, 0, (uint)rows, (uint)(tokens * topK), variant, 0,
                packed is null ? default : memory.Input(packed.Words, "quants").View);
            return (kernel, () =>
                served.Compare(output, entry => GateUpReference.Run(gate.Values, up.Values, x.AsSpan(entry / topK * cols, cols), cols)));
        }, bytes: 2 * new RowTileLayout(format, rows, cols).Bytes, flops: 4L * rows * cols * tokens * topK / experts);
    }

    /// <summary>The product over the entries of one expert, with one input row for every <paramref name="divisor"/> entries.</summary>
    public static KernelCase<ExpertMatMul> Down(ExpertShape shape, ProductVariant variant, int divisor)
    {
        var (format, rows, cols, tokens, topK, experts, expert) = shape;
        return new($"expert_matmul {format} {rows}x{cols} {tokens} top-{topK} {variant} /{divisor}", memory =>
        {
            TestMatrix matrix = new(format, rows, cols, 1);
            float[] input = TestData.Floats(tokens * topK / divisor * cols, 3);
            QuantizedRows? packed = variant.Arithmetic == Arithmetic.PackedInt8 ? new QuantizedRows(input, cols) : null;
            float[] x = packed?.Values ?? input;
            ExpertEntries served = new(memory, shape);
            CaseBuffer output = memory.Output(tokens * topK * rows);
            var kernel = new ExpertMatMul(format, served.Groups, served.Entries, memory.Input(matrix.Tiles), memory.Input(input), output,
                (uint)expert, (uint)divisor, (uint)cols, (uint)rows, 0, (uint)rows, (uint)(tokens * topK), variant, 0,
                packed is null ? default : memory.Input(packed.Words, "quants").View);
            return (kernel,
                () => served.Compare(output, entry => MatMulReference.Run(matrix.Values, x.AsSpan(entry / divisor * cols, cols), cols)));
        }, bytes: new RowTileLayout(format, rows, cols).Bytes, flops: 2L * rows * cols * tokens * topK / experts);
    }

    /// <summary>Distinct experts per token; the last token's first choice is the last expert.</summary>
    private static int[] ExpertIds(int tokens, int topK, int experts)
    {
        var random = new Random(5);
        int[] ids = [.. Enumerable.Range(0, tokens).SelectMany(_ => Enumerable.Range(0, experts).OrderBy(_ => random.Next()).Take(topK))];
        if (!ids.AsSpan(ids.Length - topK).Contains(experts - 1)) ids[^topK] = experts - 1;
        return ids;
    }

    /// <summary>The entries of one expert as the grouping kernel would leave them.</summary>
    private sealed class ExpertEntries
    {
        private readonly ExpertShape _shape;
        private readonly int[] _entries;

        public ExpertEntries(CaseMemory memory, ExpertShape shape)
        {
            _shape = shape;
            var (counts, offsets, entries) = GroupReference.Run(ExpertIds(shape.Tokens, shape.TopK, shape.Experts), shape.Experts);
            _entries = entries[offsets[shape.Expert]..(offsets[shape.Expert] + counts[shape.Expert])];
            if (_entries.Length == 0) throw new CaseFailedException("The expert has no entries: the case shows nothing.");
            Groups = memory.Input<int>([.. counts.Zip(offsets, (c, o) => (int[])[c, o]).SelectMany(p => p)], "groups");
            Entries = memory.Input(entries, "entries");
        }

        public CaseBuffer Groups { get; }

        public CaseBuffer Entries { get; }

        public void Compare(CaseBuffer output, Func<int, float[]> row)
        {
            float[] expected = Kernels.Compare.Untouched(_shape.Tokens * _shape.TopK * _shape.Rows);
            foreach (int entry in _entries) row(entry).CopyTo(expected, entry * _shape.Rows);
            Kernels.Compare.Floats(expected, output.Read<float>(), 5e-5);
        }
    }
}
