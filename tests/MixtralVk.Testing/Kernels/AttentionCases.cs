using System.Runtime.InteropServices;
using MixtralVk.Kernels;
using MixtralVk.Model;
using AttentionReference = MixtralVk.Reference.Attention;
using KvReference = MixtralVk.Reference.KvWrite;
using RopeReference = MixtralVk.Reference.Rope;

namespace MixtralVk.Testing.Kernels;

/// <summary>Heads of an attention case and the positions of its rows; row t belongs to sequence t % <paramref name="Owners"/>.</summary>
internal sealed record AttentionShape(KvFormat Format, int QueryHeads, int KvHeads, int HeadDim, int Owners, int[] Positions,
    AttentionForm Form = AttentionForm.Wide)
{
    public override string ToString() => $"{Format} {QueryHeads}/{KvHeads}x{HeadDim} at {string.Join(",", Positions)} {Form}";
}

/// <summary>Cases of RoPE, the KV cache and attention.</summary>
internal static class AttentionCases
{
    public static IEnumerable<KernelCase> All
    {
        get
        {
            foreach (KvFormat format in Enum.GetValues<KvFormat>())
            {
                yield return RopeKvWrite(new(format, 4, 2, 16, 1, [0, 31, 32, 33]), 16);
                yield return RopeKvWrite(new(format, 2, 1, 6, 3, [0, 95, 4000]), 4);
                yield return RopeKvWrite(new(format, 8, 2, 128, 1, [1, 9000]), 128);
                yield return RopeKvWrite(new(format, 8, 8, 64, 2, [1, 2]), 2);
                yield return RopeKvWrite(new(format, 3, 1, 72, 1, [5, 33]), 60);
            }
            foreach (AttentionShape shape in Shapes)
            {
                foreach (AttentionForm form in FormsOf(shape))
                {
                    yield return Prefill(shape with { Form = form });
                    yield return Split(shape with { Form = form });
                }
                yield return Merge(shape);
            }
        }
    }

    /// <summary>Lengths that cross pages and splits, odd head sizes up to the largest.</summary>
    public static IEnumerable<AttentionShape> Shapes =>
    [
        new(KvFormat.F16, 4, 2, 16, 1, [0, 30, 31, 32]),
        new(KvFormat.F32, 4, 1, 6, 3, [254, 255, 256, 1]),
        new(KvFormat.F16, 2, 2, 128, 2, [600, 511, 3]),
        new(KvFormat.F32, 3, 3, 256, 1, [33, 300]),
        new(KvFormat.F16, 1, 1, 2, 1, [512]),
        // Groups that fill a block, need two and leave the last one short; more rows than a tile; owners that take turns and do not.
        new(KvFormat.F16, 8, 1, 64, 1, [7, 255, 256, 300]),
        new(KvFormat.F16, 22, 2, 10, 2, [4, 5, 258]),
        new(KvFormat.F32, 32, 2, 16, 1, [256, 1]),
        new(KvFormat.F16, 2, 2, 32, 1, [250, 251, 252, 253, 254, 255, 256, 257, 258, 259, 260]),
        new(KvFormat.F16, 6, 1, 192, 1, [255, 256, 511, 512]),
        // The longest context; scales of short blocks, of blocks without a partner, of heads that are no multiple of a load.
        new(KvFormat.F16, 2, 1, 8, 1, [32767]),
        new(KvFormat.Q8_0, 4, 2, 16, 1, [0, 30, 31, 32]),
        new(KvFormat.Q8_0, 4, 1, 6, 3, [254, 255, 256, 1]),
        new(KvFormat.Q8_0, 2, 2, 128, 2, [600, 511, 3]),
        new(KvFormat.Q8_0, 3, 3, 256, 1, [33, 300]),
        new(KvFormat.Q8_0, 8, 1, 72, 1, [7, 255, 256, 300]),
        new(KvFormat.Q8_0, 22, 2, 10, 2, [4, 5, 258]),
        new(KvFormat.Q8_0, 2, 2, 32, 1, [250, 251, 252, 253, 254, 255, 256, 257, 258, 259, 260]),
        new(KvFormat.Q8_0, 6, 1, 192, 1, [255, 256, 511, 512]),
    ];

    /// <summary>What can compute a shape.</summary>
    public static AttentionForm[] FormsOf(AttentionShape shape) =>
        shape.HeadDim % 4 == 0 ? [AttentionForm.Wide, AttentionForm.Narrow] : [AttentionForm.Wide];

    /// <summary>
    /// Ties of halves to both sides, the largest half, the first float that rounds to infinity, denormal halves and their ties, what rounds
    /// to zero, infinity.
    /// </summary>
    private static readonly float[] HardToRound =
    [
        1 + 1 / 2048f, 1 + 3 / 2048f, -1 - 1 / 2048f, 1.9999f, 65504, 65519.99f, -65520, 3e5f, 6.1e-5f, 6.0974e-5f, 3e-6f,
        MathF.Pow(2, -25), 3 * MathF.Pow(2, -25),
        5 * MathF.Pow(2, -25), MathF.BitIncrement(MathF.Pow(2, -25)), 1e-9f, -0f, float.NegativeInfinity,
    ];

    /// <summary>What is stored without being rotated is hard to round.</summary>
    public static KernelCase<RopeKvWrite> RopeKvWrite(AttentionShape shape, int ropeDim) =>
        new($"rope_kv_write {shape} rotating {ropeDim}", memory =>
    {
        const double ropeBase = 1e6;
        var (format, queryHeads, kvHeads, headDim, owners, positions, _) = shape;
        int rowLength = (queryHeads + 2 * kvHeads) * headDim, rotated = (queryHeads + kvHeads) * headDim, queryDim = queryHeads * headDim,
            kvDim = kvHeads * headDim;
        float[] qkv = TestData.Floats((positions.Length + 1) * rowLength, 1);
        for (int i = 0; i < qkv.Length; i += 3)
            if (i % rowLength >= rotated || i % rowLength >= queryDim && i % headDim >= ropeDim)
                qkv[i] = HardToRound[i / 3 % HardToRound.Length];

        int[,] tables = PageTables(shape);
        KvPool before = NewPool(shape), expected = NewPool(shape);
        var expectedQkv = (float[])qkv.Clone();
        for (int t = 0; t < positions.Length; t++)
        {
            ReadOnlySpan<float> row = qkv.AsSpan(t * rowLength, rowLength);
            float[] turned = RopeReference.Run(row[..rotated], [positions[t]], headDim, ropeDim, ropeBase);
            turned.AsSpan(0, queryDim).CopyTo(expectedQkv.AsSpan(t * rowLength));
            expected.Write(tables[t % owners, positions[t] / 32], positions[t] % 32, turned.AsSpan(queryDim, kvDim), row[^kvDim..]);
        }
        CaseBuffer inOut = memory.InOut(qkv), keys = memory.InOut(before.Keys, "keys"), values = memory.InOut(before.Values, "values");
        var kernel = new RopeKvWrite(format, memory.Rows(positions.Length), memory.Input(positions), memory.Input(OwnersOf(shape)),
            Flat(memory, tables),
            memory.Input(RopeTableOf(positions.Max() + 1, ropeDim, ropeBase)).ExactView, inOut, keys.ExactView, values.ExactView,
            (uint)queryHeads, (uint)kvHeads,
            (uint)headDim, (uint)ropeDim, (uint)tables.GetLength(1), (uint)positions.Length + 1);
        return (kernel, () =>
        {
            ReadOnlySpan<float> actualQkv = inOut.Read<float>();
            for (int row = 0; row < expectedQkv.Length; row += rowLength)
            {
                Compare.Floats(expectedQkv.AsSpan(row, queryDim), actualQkv.Slice(row, queryDim), 1e-5);
                Compare.Words(MemoryMarshal.Cast<float, uint>(qkv.AsSpan(row + queryDim, 2 * kvDim)),
                    MemoryMarshal.Cast<float, uint>(actualQkv.Slice(row + queryDim, 2 * kvDim)));
            }
            var actual = new KvPool(format, kvHeads, headDim, keys.Read<uint>().ToArray(), values.Read<uint>().ToArray());
            ComparePools(expected, actual,
                [.. positions.Select((position, t) => (tables[t % owners, position / 32], position % 32))], headDim, ropeDim);
        });
    });

    /// <summary>
    /// Rotated keys within the rounding of their format and all else to the bit; of blocks with a scale every value within one step. What
    /// nobody wrote is untouched.
    /// </summary>
    private static void ComparePools(KvPool expected, KvPool actual, (int Page, int Slot)[] written, int headDim, int ropeDim)
    {
        Untouched(expected.Keys, actual.Keys);
        Untouched(expected.Values, actual.Values);
        List<float> rotated = [], actualRotated = [], exact = [], actualExact = [];
        foreach ((int page, int slot) in written)
        {
            var (key, value) = expected.Read(page, slot);
            var (actualKey, actualValue) = actual.Read(page, slot);
            if (expected.Format == KvFormat.Q8_0)
            {
                CompareBlocks(key, actualKey, headDim);
                CompareBlocks(value, actualValue, headDim);
                continue;
            }
            for (int i = 0; i < key.Length; i++)
            {
                (i % headDim < ropeDim ? rotated : exact).Add(key[i]);
                (i % headDim < ropeDim ? actualRotated : actualExact).Add(actualKey[i]);
            }
            exact.AddRange(value);
            actualExact.AddRange(actualValue);
        }
        Compare.Floats([.. rotated], [.. actualRotated], expected.Format == KvFormat.F16 ? 1e-2 : 1e-5);
        Compare.Words(MemoryMarshal.Cast<float, uint>([.. exact]), MemoryMarshal.Cast<float, uint>([.. actualExact]));
    }

    private static void Untouched(uint[] expected, uint[] actual)
    {
        for (int i = 0; i < expected.Length; i++)
            if (expected[i] == CaseBuffer.Poison && actual[i] != CaseBuffer.Poison)
                throw new CaseFailedException($"Word {i} was written: {actual[i]:x8}.");
    }

    /// <summary>A block with a value that is not finite has none that is, or what is wrong could be multiplied away.</summary>
    private static void CompareBlocks(float[] expected, float[] actual, int headDim)
    {
        const float smallestHalf = 1 / 16777216f;
        for (int i = 0; i < expected.Length; i++)
        {
            int first = i / headDim * headDim + i % headDim / 32 * 32, length = Math.Min(32, headDim - first % headDim);
            float step = expected.AsSpan(first, length).ToArray().Max(MathF.Abs) / 127 * 1.01f + smallestHalf;
            if (float.IsFinite(step) ? Math.Abs(actual[i] - expected[i]) <= step : !float.IsFinite(actual[i])) continue;
            throw new CaseFailedException($"Value {i} is {actual[i]} instead of {expected[i]}, where a step is {step}.");
        }
    }

    /// <summary>(positions, ropeDim / 2) of (cosine, sine).</summary>
    private static float[] RopeTableOf(int positions, int ropeDim, double ropeBase)
    {
        var table = new float[positions * ropeDim];
        for (int i = 0; i < table.Length; i += 2)
        {
            double angle = i / ropeDim * Math.Pow(ropeBase, -(double)(i % ropeDim) / ropeDim);
            (table[i], table[i + 1]) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
        }
        return table;
    }

    /// <summary>Attention over a seeded cache, all keys of a row in one workgroup.</summary>
    public static KernelCase<AttentionPrefill> Prefill(AttentionShape shape) => new($"attention_prefill {shape}", memory =>
    {
        AttentionInputs inputs = new(memory, shape);
        CaseBuffer output = memory.Output(shape.Positions.Length * shape.QueryHeads * shape.HeadDim);
        return (inputs.Prefill(output), () => Compare.Floats(inputs.Expected(), output.Read<float>(), 1e-4));
    });

    public static KernelCase<AttentionSplit> Split(AttentionShape shape) => new($"attention_split {shape}", memory =>
    {
        AttentionInputs inputs = new(memory, shape);
        CaseBuffer partials = memory.Output(inputs.PartialWords, "partials");
        return (inputs.Split(partials), () =>
        {
            // Merged in double, the splits are the whole.
            ReadOnlySpan<float> parts = partials.Read<float>();
            Compare.Floats(inputs.Expected(), Merged(shape, parts.ToArray(), inputs.MaxSplits), 1e-4);
        });
    });

    public static KernelCase<AttentionMerge> Merge(AttentionShape shape) => new($"attention_merge {shape}", memory =>
    {
        int maxSplits = shape.Positions.Max() / 256 + 2, rows = shape.Positions.Length;
        float[] partials = TestData.Floats(rows * shape.QueryHeads * maxSplits * (shape.HeadDim + 2), 1);
        for (int i = 1; i < partials.Length; i += shape.HeadDim + 2) partials[i] = 1 + Math.Abs(partials[i]);
        CaseBuffer output = memory.Output(rows * shape.QueryHeads * shape.HeadDim);
        var kernel = new AttentionMerge(memory.Rows(rows), memory.Input(shape.Positions), memory.Input(partials), output,
            (uint)shape.QueryHeads,
            (uint)shape.HeadDim, (uint)maxSplits, (uint)rows);
        return (kernel, () => Compare.Floats(Merged(shape, partials, maxSplits), output.Read<float>(), 1e-5));
    });

    /// <summary>sum over splits of exp(most) * sum, over the same of exp(most) * total.</summary>
    private static float[] Merged(AttentionShape shape, float[] partials, int maxSplits)
    {
        int headDim = shape.HeadDim;
        var output = new float[shape.Positions.Length * shape.QueryHeads * headDim];
        for (int row = 0; row < output.Length / headDim; row++)
        {
            int splits = shape.Positions[row / shape.QueryHeads] / 256 + 1;
            int[] at = [.. Enumerable.Range(row * maxSplits, splits).Select(s => s * (headDim + 2))];
            double most = at.Max(i => partials[i]), total = at.Sum(i => Math.Exp(partials[i] - most) * partials[i + 1]);
            for (int d = 0; d < headDim; d++)
                output[row * headDim + d] = (float)(at.Sum(i => Math.Exp(partials[i] - most) * partials[i + 2 + d]) / total);
        }
        return output;
    }

    /// <summary>Shuffled pages, a run of its own for each owner.</summary>
    private static int[,] PageTables(AttentionShape shape)
    {
        int perOwner = PagesPerOwner(shape);
        int[] pages = [.. Enumerable.Range(0, perOwner * shape.Owners)];
        new Random(3).Shuffle(pages);
        var tables = new int[shape.Owners, perOwner];
        for (int i = 0; i < pages.Length; i++) tables[i / perOwner, i % perOwner] = pages[i];
        return tables;
    }

    private static int PagesPerOwner(AttentionShape shape) => shape.Positions.Max() / 32 + 1;

    private static int[] OwnersOf(AttentionShape shape) => [.. Enumerable.Range(0, shape.Positions.Length).Select(t => t % shape.Owners)];

    private static KvPool NewPool(AttentionShape shape) =>
        new(shape.Format, shape.Owners * PagesPerOwner(shape), shape.KvHeads, shape.HeadDim);

    /// <summary>The tiles of rows with these owners; what follows them must not matter.</summary>
    public static CaseBuffer Tiles(CaseMemory memory, int[] owners, QueryBlock block)
    {
        var tiles = new int[QueryBlock.TileWords(owners.Length)];
        Array.Fill(tiles, unchecked((int)CaseBuffer.Poison));
        block.WriteTiles(owners, tiles);
        return memory.Input(tiles, "tiles");
    }

    private static CaseBuffer Flat(CaseMemory memory, int[,] tables) => memory.Input<int>([.. tables.Cast<int>()], "page tables");

    /// <summary>A filled cache and queries, and what attention makes of them by the reference.</summary>
    internal sealed class AttentionInputs
    {
        private readonly AttentionShape _shape;
        private readonly float[] _queries, _keys, _values;   // queries (rows, stride); keys, values (owner, position, kvHeads, headDim)
        private readonly CaseBuffer _rows, _tiles, _positions, _ownerIds, _pageTables, _queryBuffer, _keyBuffer, _valueBuffer;
        private readonly uint _stride, _maxPages, _passingLanes;

        public AttentionInputs(CaseMemory memory, AttentionShape shape)
        {
            _shape = shape;
            int length = shape.Positions.Max() + 1, kvDim = shape.KvHeads * shape.HeadDim, rows = shape.Positions.Length;
            _stride = (uint)(shape.QueryHeads * shape.HeadDim + 2 * kvDim);
            _queries = [.. TestData.Floats(rows * (int)_stride, 1).Select(v => v * 3)];
            float[] keys = TestData.Floats(shape.Owners * length * kvDim, 2), values = TestData.Floats(shape.Owners * length * kvDim, 3);
            (_keys, _values) = (Stored(shape, keys), Stored(shape, values));

            int[,] tables = PageTables(shape);
            KvPool pool = NewPool(shape);
            for (int i = 0; i < shape.Owners * length; i++)
                pool.Write(tables[i / length, i % length / 32], i % length % 32, keys.AsSpan(i * kvDim, kvDim),
                    values.AsSpan(i * kvDim, kvDim));

            MaxSplits = (int)AttentionSplit.SplitsOf((uint)length) + 1;
            _maxPages = (uint)tables.GetLength(1);
            _passingLanes = memory.MinSubgroupSize >= 8 ? 8u : 4u;
            (_rows, _positions, _ownerIds) = (memory.Rows(rows), memory.Input(shape.Positions), memory.Input(OwnersOf(shape)));
            _tiles = Tiles(memory, OwnersOf(shape), Block);
            (_pageTables, _queryBuffer) = (Flat(memory, tables), memory.Input(_queries));
            (_keyBuffer, _valueBuffer) = (memory.Input(pool.Keys, "keys"), memory.Input(pool.Values, "values"));
        }

        private static float[] Stored(AttentionShape shape, float[] vectors) =>
            shape.Format == KvFormat.Q8_0
                ? KvReference.RunQ8(vectors, shape.HeadDim) : KvReference.Run(vectors, shape.Format == KvFormat.F16);

        public int MaxSplits { get; }

        /// <summary>Several rows to a workgroup, where there are.</summary>
        public QueryBlock Block =>
            QueryBlock.For((uint)_shape.QueryHeads, (uint)_shape.KvHeads, (uint)_shape.HeadDim, severalRows: _shape.Positions.Length > 1);

        public int PartialWords => (int)AttentionSplit.PartialBytes((uint)_shape.Positions.Length, (uint)_shape.QueryHeads,
            (uint)MaxSplits, (uint)_shape.HeadDim) / 4;

        /// <summary>How many lanes pass on changes no bit of the wide form.</summary>
        public AttentionPrefill Prefill(CaseBuffer output) =>
            new(_shape.Format, _tiles, _positions, _ownerIds, _pageTables, _queryBuffer, _keyBuffer.ExactView, _valueBuffer.ExactView,
            output, (uint)_shape.QueryHeads, (uint)_shape.KvHeads, (uint)_shape.HeadDim, _stride, _maxPages, Block,
            _shape.Form == AttentionForm.Wide ? 4u : _passingLanes, _shape.Form, (uint)_shape.Positions.Length + 1);

        public AttentionSplit Split(CaseBuffer partials) =>
            new(_shape.Format, _tiles, _positions, _ownerIds, _pageTables, _queryBuffer, _keyBuffer.ExactView, _valueBuffer.ExactView,
            partials, (uint)_shape.QueryHeads, (uint)_shape.KvHeads, (uint)_shape.HeadDim, _stride, _maxPages, (uint)MaxSplits, Block,
            _passingLanes, _shape.Form, (uint)_shape.Positions.Length);

        public AttentionMerge Merge(CaseBuffer partials, CaseBuffer output) =>
            new(_rows, _positions, partials, output, (uint)_shape.QueryHeads,
            (uint)_shape.HeadDim, (uint)MaxSplits, (uint)_shape.Positions.Length);

        public float[] Expected()
        {
            int queryDim = _shape.QueryHeads * _shape.HeadDim, ownerLength = _keys.Length / _shape.Owners;
            var output = new float[_shape.Positions.Length * queryDim];
            for (int t = 0; t < _shape.Positions.Length; t++)
            {
                int first = t % _shape.Owners * ownerLength;
                AttentionReference.Run(_queries.AsSpan(t * (int)_stride, queryDim), _keys.AsSpan(first, ownerLength),
                    _values.AsSpan(first, ownerLength),
                    [_shape.Positions[t]], _shape.QueryHeads, _shape.KvHeads, _shape.HeadDim).CopyTo(output, t * queryDim);
            }
            return output;
        }
    }
}
