using MixtralVk.Kernels;
using MixtralVk.Model;
using AttentionReference = MixtralVk.Reference.Attention;
using KvReference = MixtralVk.Reference.KvWrite;
using RopeReference = MixtralVk.Reference.Rope;

namespace MixtralVk.Testing.Kernels;

/// <summary>Heads of an attention case and the positions of its rows; row t belongs to sequence t % <paramref name="Owners"/>.</summary>
internal sealed record AttentionShape(KvFormat Format, int QueryHeads, int KvHeads, int HeadDim, int Owners, int[] Positions)
{
    public override string ToString() => $"{Format} {QueryHeads}/{KvHeads}x{HeadDim} at {string.Join(",", Positions)}";
}

/// <summary>Cases of RoPE, the KV cache and attention.</summary>
internal static class AttentionCases
{
    public static IEnumerable<KernelCase> All
    {
        get
        {
            yield return Rope(4, 2, 16, 16, [0, 1, 5]);
            yield return Rope(2, 1, 6, 4, [0, 4000]);
            yield return Rope(32, 8, 128, 128, [32767]);
            foreach (KvFormat format in Enum.GetValues<KvFormat>())
            {
                yield return KvWrite(new(format, 4, 2, 16, 1, [0, 31, 32, 33]));
                yield return KvWrite(new(format, 2, 1, 6, 3, [0, 95, 64]));
                yield return KvWrite(new(format, 8, 8, 128, 2, [1, 2]));
            }
            foreach (AttentionShape shape in Shapes)
            {
                yield return Prefill(shape);
                yield return Split(shape);
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
    ];

    /// <summary>
    /// Ties of halves to both sides, the largest half, the first float that rounds to infinity, denormal halves and their ties, what rounds to
    /// zero, infinity.
    /// </summary>
    private static readonly float[] HardToRound =
    [
        1 + 1 / 2048f, 1 + 3 / 2048f, -1 - 1 / 2048f, 1.9999f, 65504, 65519.99f, -65520, 3e5f, 6.1e-5f, 6.0974e-5f, 3e-6f, MathF.Pow(2, -25), 3 * MathF.Pow(2, -25),
        5 * MathF.Pow(2, -25), MathF.BitIncrement(MathF.Pow(2, -25)), 1e-9f, -0f, float.NegativeInfinity,
    ];

    private static KernelCase<Rope> Rope(int queryHeads, int kvHeads, int headDim, int ropeDim, int[] positions) => new(
        $"rope {queryHeads}+{kvHeads}x{headDim} rotating {ropeDim} at {string.Join(",", positions)}", memory =>
    {
        const double ropeBase = 1e6;
        int rowLength = (queryHeads + 2 * kvHeads) * headDim, rotated = (queryHeads + kvHeads) * headDim, rows = positions.Length;
        float[] qkv = TestData.Floats((rows + 1) * rowLength, 1);
        var table = new float[(positions.Max() + 1) * ropeDim];
        for (int i = 0; i < table.Length; i += 2)
        {
            double angle = i / ropeDim * Math.Pow(ropeBase, -(double)(i % ropeDim) / ropeDim);
            (table[i], table[i + 1]) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
        }
        CaseBuffer inOut = memory.InOut(qkv);
        var kernel = new Rope(memory.Rows(rows), memory.Input(positions), memory.Input(table), inOut, (uint)queryHeads, (uint)kvHeads, (uint)headDim, (uint)ropeDim, (uint)rows + 1);
        return (kernel, () =>
        {
            var expected = (float[])qkv.Clone();
            for (int t = 0; t < rows; t++)
                RopeReference.Run(qkv.AsSpan(t * rowLength, rotated), [positions[t]], headDim, ropeDim, ropeBase).CopyTo(expected, t * rowLength);
            Compare.Floats(expected, inOut.Read<float>(), 1e-5);
        });
    });

    private static KernelCase<KvWrite> KvWrite(AttentionShape shape) => new($"kv_write {shape}", memory =>
    {
        var (format, queryHeads, kvHeads, headDim, owners, positions) = shape;
        int rowLength = (queryHeads + 2 * kvHeads) * headDim, kvDim = kvHeads * headDim;
        float[] qkv = [.. TestData.Floats(positions.Length * rowLength, 1).Select((v, i) => i % 3 == 0 ? HardToRound[i / 3 % HardToRound.Length] : v)];
        int[,] tables = PageTables(shape);
        KvPool before = NewPool(shape), expected = NewPool(shape);
        for (int t = 0; t < positions.Length; t++)
        {
            ReadOnlySpan<float> row = qkv.AsSpan(t * rowLength, rowLength);
            expected.Write(tables[t % owners, positions[t] / 32], positions[t] % 32, row.Slice(queryHeads * headDim, kvDim), row[^kvDim..]);
        }
        CaseBuffer keys = memory.InOut(before.Keys, "keys"), values = memory.InOut(before.Values, "values");
        var kernel = new KvWrite(format, memory.Rows(positions.Length), memory.Input(positions), memory.Input(OwnersOf(shape)), Flat(memory, tables),
            memory.Input(qkv), keys.ExactView, values.ExactView, (uint)queryHeads, (uint)kvHeads, (uint)headDim, (uint)tables.GetLength(1), (uint)positions.Length + 1);
        return (kernel, () =>
        {
            Compare.Words(expected.Keys, keys.Read<uint>());
            Compare.Words(expected.Values, values.Read<uint>());
        });
    });

    /// <summary>Attention over a seeded cache, all keys of a row in one workgroup.</summary>
    public static KernelCase<AttentionPrefill> Prefill(AttentionShape shape) => new($"attention_prefill {shape}", memory =>
    {
        AttentionInputs inputs = new(memory, shape);
        CaseBuffer output = memory.Output(shape.Positions.Length * shape.QueryHeads * shape.HeadDim);
        return (inputs.Prefill(output), () => Compare.Floats(inputs.Expected(), output.Read<float>(), 1e-4));
    });

    private static KernelCase<AttentionSplit> Split(AttentionShape shape) => new($"attention_split {shape}", memory =>
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

    private static KernelCase<AttentionMerge> Merge(AttentionShape shape) => new($"attention_merge {shape}", memory =>
    {
        int maxSplits = shape.Positions.Max() / 256 + 2, rows = shape.Positions.Length;
        float[] partials = TestData.Floats(rows * shape.QueryHeads * maxSplits * (shape.HeadDim + 2), 1);
        for (int i = 1; i < partials.Length; i += shape.HeadDim + 2) partials[i] = 1 + Math.Abs(partials[i]);
        CaseBuffer output = memory.Output(rows * shape.QueryHeads * shape.HeadDim);
        var kernel = new AttentionMerge(memory.Rows(rows), memory.Input(shape.Positions), memory.Input(partials), output, (uint)shape.QueryHeads,
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

    private static KvPool NewPool(AttentionShape shape) => new(shape.Format, shape.Owners * PagesPerOwner(shape), shape.KvHeads, shape.HeadDim);

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
        private readonly uint _stride, _maxPages;

        public AttentionInputs(CaseMemory memory, AttentionShape shape)
        {
            _shape = shape;
            int length = shape.Positions.Max() + 1, kvDim = shape.KvHeads * shape.HeadDim, rows = shape.Positions.Length;
            _stride = (uint)(shape.QueryHeads * shape.HeadDim + 2 * kvDim);
            _queries = [.. TestData.Floats(rows * (int)_stride, 1).Select(v => v * 3)];
            _keys = KvReference.Run(TestData.Floats(shape.Owners * length * kvDim, 2), shape.Format == KvFormat.F16);
            _values = KvReference.Run(TestData.Floats(shape.Owners * length * kvDim, 3), shape.Format == KvFormat.F16);

            int[,] tables = PageTables(shape);
            KvPool pool = NewPool(shape);
            for (int i = 0; i < shape.Owners * length; i++)
                pool.Write(tables[i / length, i % length / 32], i % length % 32, _keys.AsSpan(i * kvDim, kvDim), _values.AsSpan(i * kvDim, kvDim));

            MaxSplits = (int)AttentionSplit.SplitsOf((uint)length) + 1;
            _maxPages = (uint)tables.GetLength(1);
            (_rows, _positions, _ownerIds) = (memory.Rows(rows), memory.Input(shape.Positions), memory.Input(OwnersOf(shape)));
            _tiles = Tiles(memory, OwnersOf(shape), Block);
            (_pageTables, _queryBuffer) = (Flat(memory, tables), memory.Input(_queries));
            (_keyBuffer, _valueBuffer) = (memory.Input(pool.Keys, "keys"), memory.Input(pool.Values, "values"));
        }

        public int MaxSplits { get; }

        /// <summary>Several rows to a workgroup.</summary>
        public QueryBlock Block => QueryBlock.For((uint)_shape.QueryHeads, (uint)_shape.KvHeads, (uint)_shape.HeadDim, severalRows: true);

        public int PartialWords => (int)AttentionSplit.PartialBytes((uint)_shape.Positions.Length, (uint)_shape.QueryHeads, (uint)MaxSplits, (uint)_shape.HeadDim) / 4;

        public AttentionPrefill Prefill(CaseBuffer output) => new(_shape.Format, _tiles, _positions, _ownerIds, _pageTables, _queryBuffer, _keyBuffer.ExactView, _valueBuffer.ExactView,
            output, (uint)_shape.QueryHeads, (uint)_shape.KvHeads, (uint)_shape.HeadDim, _stride, _maxPages, Block, (uint)_shape.Positions.Length + 1);

        public AttentionSplit Split(CaseBuffer partials) => new(_shape.Format, _tiles, _positions, _ownerIds, _pageTables, _queryBuffer, _keyBuffer.ExactView, _valueBuffer.ExactView,
            partials, (uint)_shape.QueryHeads, (uint)_shape.KvHeads, (uint)_shape.HeadDim, _stride, _maxPages, (uint)MaxSplits, Block, (uint)_shape.Positions.Length);

        public AttentionMerge Merge(CaseBuffer partials, CaseBuffer output) => new(_rows, _positions, partials, output, (uint)_shape.QueryHeads,
            (uint)_shape.HeadDim, (uint)MaxSplits, (uint)_shape.Positions.Length);

        public float[] Expected()
        {
            int queryDim = _shape.QueryHeads * _shape.HeadDim, ownerLength = _keys.Length / _shape.Owners;
            var output = new float[_shape.Positions.Length * queryDim];
            for (int t = 0; t < _shape.Positions.Length; t++)
            {
                int first = t % _shape.Owners * ownerLength;
                AttentionReference.Run(_queries.AsSpan(t * (int)_stride, queryDim), _keys.AsSpan(first, ownerLength), _values.AsSpan(first, ownerLength),
                    [_shape.Positions[t]], _shape.QueryHeads, _shape.KvHeads, _shape.HeadDim).CopyTo(output, t * queryDim);
            }
            return output;
        }
    }
}
