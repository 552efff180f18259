using MixtralVk.Cpu;
using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;
using Ref = MixtralVk.Reference;

namespace MixtralVk.Tests.Cpu;

/// <summary>Each kernel of the CPU path against the reference, at shapes that fill nothing evenly.</summary>
public sealed unsafe class CpuKernelTests : IDisposable
{
    private readonly WorkerThreads _threads = new(3);
    private readonly Random _random = new(7);

    public static TheoryData<WeightFormat> Formats() => [.. Enum.GetValues<WeightFormat>()];

    public void Dispose() => _threads.Dispose();

    [Theory, MemberData(nameof(Formats))]
    public void MatMul_equals_the_reference(WeightFormat format)
    {
        foreach (int rows in (int[])[1, 63, 64, 65, 130])
            foreach (int cols in ColsOf(format))
            {
                using var matrix = new CpuMatrix(format, rows, cols, _random);
                foreach (int tokens in (int[])[1, 2, 3, 4, 5, 33])
                {
                    float[] input = Floats(tokens * cols);
                    float[] expected = Ref.MatMul.Run(matrix.Floats, input, cols), residual = Floats(expected.Length);
                    GuardedFloats x = new(input), y = new(tokens * rows), sum = new(residual);
                    MatMul.Run(_threads, matrix.Tiled, FloatInput(x, cols), tokens, y.Pointer);
                    MatMul.Run(_threads, matrix.Tiled, FloatInput(x, cols), tokens, sum.Pointer, accumulate: true);
                    AssertClose(expected, y.Values(), 2e-6f * MathF.Sqrt(cols));
                    AssertClose(expected.Zip(residual, (a, b) => a + b), sum.Values(), 2e-6f * MathF.Sqrt(cols));
                }
            }
    }

    [Theory, MemberData(nameof(Formats))]
    public void EmbeddingRows_are_exactly_what_the_blocks_say(WeightFormat format)
    {
        int cols = ColsOf(format)[^1];
        using var table = new CpuMatrix(format, 130, cols, _random);
        int[] ids = [0, 1, 15, 16, 63, 64, 127, 128, 129];
        var output = new GuardedFloats(ids.Length * cols);
        int status = StepStatus.Clean;
        fixed (int* tokens = ids) EmbeddingRows.Run(_threads, table.Tiled, tokens, ids.Length, output.Pointer, &status);
        Assert.Equal(Ref.EmbeddingRows.Run(table.Floats, ids, cols), output.Values());
        Assert.Equal(StepStatus.Clean, status);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 7)]
    [InlineData(2, 60)]
    [InlineData(5, 257)]
    public void RmsNorm_equals_the_reference(int rows, int cols)
    {
        float[] input = Floats(rows * cols), weight = Floats(cols);
        GuardedFloats x = new(input), w = new(weight), y = new(rows * cols);
        int status = StepStatus.Clean;
        RmsNorm.Run(_threads, x.Pointer, rows, cols, w.Pointer, 1e-5f, y.Pointer, &status, 4);
        AssertClose(Ref.RmsNorm.Run(input, weight, 1e-5f), y.Values(), 2e-6f);
        Assert.Equal(StepStatus.Clean, status);

        x.Pointer[rows * cols - 1] = float.NegativeInfinity;
        RmsNorm.Run(_threads, x.Pointer, rows, cols, w.Pointer, 1e-5f, y.Pointer, &status, 4);
        Assert.Equal(4, status);
    }

    [Theory]
    [InlineData(1, 2, 2)]
    [InlineData(3, 10, 6)]
    [InlineData(2, 128, 128)]
    public void Rope_equals_the_reference_up_to_late_positions(int heads, int headDim, int ropeDim)
    {
        int[] positions = [0, 1, 511, 32767];
        float[] vectors = Floats(positions.Length * heads * headDim);
        GuardedFloats table = new(32768 * ropeDim), inPlace = new(vectors);
        RopeTable.Fill([.. Enumerable.Range(0, ropeDim / 2).Select(i => Math.Pow(1e6, -2.0 * i / ropeDim))], 1,
            new Span<float>(table.Pointer, 32768 * ropeDim));
        fixed (int* at = positions) Rope.Run(_threads, inPlace.Pointer, positions.Length, heads, headDim, ropeDim, table.Pointer, at);
        AssertClose(Ref.Rope.Run(vectors, positions, headDim, ropeDim, 1e6), inPlace.Values(), 1e-6f);
    }

    [Theory]
    [InlineData(KvFormat.F32, 1, 1, 1, 2)]
    [InlineData(KvFormat.F32, 33, 6, 2, 10)]
    [InlineData(KvFormat.F16, 257, 4, 1, 24)]
    [InlineData(KvFormat.F16, 255, 3, 3, 64)]
    [InlineData(KvFormat.F32, 520, 4, 2, 128)]
    [InlineData(KvFormat.Q8_0, 40, 2, 1, 6)]
    [InlineData(KvFormat.Q8_0, 257, 4, 1, 72)]
    [InlineData(KvFormat.Q8_0, 300, 4, 2, 128)]
    public void Attention_over_scattered_pages_equals_the_reference(KvFormat format, int length, int heads, int kvHeads, int headDim)
    {
        int pages = (length + KvPages.PageTokens - 1) / KvPages.PageTokens;
        float[] q = Floats(length * heads * headDim), k = Floats(length * kvHeads * headDim), v = Floats(length * kvHeads * headDim);
        // Pages backwards; page 0 belongs to nobody.
        int[] positions = [.. Enumerable.Range(0, length)], table = [.. Enumerable.Range(0, pages).Select(i => pages - i)];
        int[] pageOf = [.. positions.Select(p => table[p / KvPages.PageTokens])];
        QueryTile[] tiles =
            [.. Enumerable.Range(0, (length + 7) / 8).Select(i => new QueryTile { FirstRow = i * 8, Rows = Math.Min(8, length - i * 8) })];
        long cacheBytes = new KvCache(null, format, pages + 1, kvHeads, headDim).Bytes(2),
            scratchFloats = Attention.ScratchFloats(heads, kvHeads, headDim);
        GuardedFloats memory = new((int)(cacheBytes / 4)), scratch = new((int)scratchFloats * 3), output = new(q.Length);
        var cache = new KvCache((byte*)memory.Pointer, format, pages + 1, kvHeads, headDim);
        int status = StepStatus.Clean;
        fixed (float* queries = q, keys = k, values = v)
        fixed (int* at = positions, page = pageOf, pageTable = table)
        fixed (QueryTile* tile = tiles)
        {
            KvWrite.Run(_threads, keys, values, length, cache, 1, page, at, &status);
            Attention.Run(_threads, queries, heads, tile, tiles.Length, at, pageTable, cache, 1, scratch.Pointer,
                scratchFloats, output.Pointer);
        }
        float[] Stored(float[] vectors) =>
            format == KvFormat.Q8_0 ? Ref.KvWrite.RunQ8(vectors, headDim) : Ref.KvWrite.Run(vectors, format == KvFormat.F16);
        float[] expected = Ref.Attention.Run(q, Stored(k), Stored(v), positions, heads, kvHeads, headDim);
        AssertClose(expected, output.Values(), 5e-6f);
        Assert.Equal(StepStatus.Clean, status);
        Assert.NotEmpty(memory.Values());
        Assert.NotEmpty(scratch.Values());
    }

    [Theory]
    [InlineData(8, 2, 60)]
    [InlineData(4, 4, 7)]
    [InlineData(16, 1, 64)]
    public void Router_picks_what_the_reference_picks(int experts, int topK, int dim)
    {
        const int tokens = 50;
        float[] input = Floats(tokens * dim), router = Floats(experts * dim);
        router.AsSpan(0, dim).CopyTo(router.AsSpan((experts - 1) * dim));   // the first and the last expert always tie
        var (ids, weights) = RunRouter(input, router, experts, topK, out int status);
        var (expectedIds, expectedWeights) = Ref.RouterTopK.Run(input, router, experts, topK);
        Assert.Equal(expectedIds, ids);
        AssertClose(expectedWeights, weights, 1e-5f);
        Assert.Equal(StepStatus.Clean, status);
    }

    [Fact]
    public void Router_gives_different_valid_ids_whatever_the_logits_are()
    {
        float[] odd = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0, 1, float.MaxValue];
        for (int round = 0; round < 200; round++)
        {
            float[] logits = [.. Enumerable.Range(0, 5).Select(_ => odd[_random.Next(odd.Length)])];
            // One dimension and input 1: the router's weights are the logits.
            var (ids, _) = RunRouter([1], logits, 5, 3, out int status);
            Assert.Equal(3, ids.Distinct().Count(id => id is >= 0 and < 5));
            Assert.Equal(Ref.RouterTopK.Pick(logits, 3).Ids, ids);
            Assert.Equal(logits.All(float.IsFinite) ? StepStatus.Clean : 6, status);
        }
    }

    [Theory, MemberData(nameof(Formats))]
    public void Experts_equal_the_reference(WeightFormat format)
    {
        const int experts = 5, topK = 2, tokens = 71;
        int dim = ColsOf(format)[^1], hidden = Quantizer.BlockValues(format) == 1 ? 78 : dim;
        // Expert 3 is never chosen, expert 1 by every token: more than one call of the tile product takes.
        int[] ids = [.. Enumerable.Range(0, tokens).SelectMany(t => (int[])[1, t % 3 == 0 ? 4 : t % 3 * 2 % 4])];
        float[] input = Floats(tokens * dim), weights = Floats(tokens * topK), residual = Floats(tokens * dim);
        CpuMatrix[] gate = Matrices(hidden, dim), up = Matrices(hidden, dim), down = Matrices(dim, hidden);
        TiledMatrix[] gates = [.. gate.Select(m => m.Tiled)], ups = [.. up.Select(m => m.Tiled)], downs = [.. down.Select(m => m.Tiled)];
        GuardedFloats x = new(input), h = new(tokens * topK * hidden), outputs = new(tokens * topK * dim), w = new(weights),
            sum = new(residual);
        int[] counts = new int[experts], offsets = new int[experts], active = new int[experts], entries = new int[tokens * topK];
        fixed (int* c = counts, o = offsets, a = active, e = entries)
        fixed (TiledMatrix* g = gates, u = ups, d = downs)
        {
            var groups = new ExpertGroups { TopK = topK, Counts = c, Offsets = o, Active = a, Entries = e };
            Assert.Equal(ids.Length, GroupTokens.Run(ids, experts, ref groups));
            Assert.Equal(counts.Count(n => n > 0), groups.ActiveCount);
            Assert.DoesNotContain(3, active.Take(groups.ActiveCount));
            ExpertGateUp.Run(_threads, g, u, groups, FloatInput(x, dim), h.Pointer);
            ExpertDown.Run(_threads, d, groups, FloatInput(h, hidden), outputs.Pointer);
            CombineExperts.Run(_threads, outputs.Pointer, w.Pointer, tokens, topK, dim, sum.Pointer);
        }
        var expectedGroups = Ref.GroupTokens.Run(ids, experts);
        Assert.Equal(expectedGroups.Counts, counts);
        Assert.Equal(expectedGroups.Offsets, offsets);
        Assert.Equal(expectedGroups.Entries, entries);

        float[] expected = [.. ids.SelectMany((expert, i) =>
            Ref.ExpertDown.Run(down[expert].Floats, Ref.ExpertGateUp.Run(gate[expert].Floats, up[expert].Floats,
            input.AsSpan(i / topK * dim, dim), dim), hidden))];
        float scale = expected.Max(MathF.Abs);
        AssertClose(expected, outputs.Values(), 2e-6f * scale);
        AssertClose(Ref.CombineExperts.Run(residual, expected, weights, topK), sum.Values(), 4e-6f * scale);
        foreach (CpuMatrix matrix in gate.Concat(up).Concat(down)) matrix.Dispose();

        CpuMatrix[] Matrices(int rows, int cols) =>
            [.. Enumerable.Range(0, experts).Select(_ => new CpuMatrix(format, rows, cols, _random))];
    }

    [Fact]
    public void Every_16_bit_float_converts_exactly()
    {
        ushort[] halves = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];
        var floats = new GuardedFloats(65536 - 3);
        fixed (ushort* from = halves) Lanes.FromHalves(from, floats.Pointer, 65536 - 3);
        Assert.Equal(halves[..^3].Select(h => (float)BitConverter.UInt16BitsToHalf(h)), floats.Values());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void One_value_that_is_not_finite_is_seen_wherever_it_lies(float bad)
    {
        for (int at = 0; at < 19; at++)
        {
            var values = new GuardedFloats(Floats(19));
            Assert.True(Lanes.AllFinite(values.Pointer, 19));
            values.Pointer[at] = bad;
            Assert.False(Lanes.AllFinite(values.Pointer, 19));
        }
    }

    private (int[] Ids, float[] Weights) RunRouter(float[] input, float[] router, int experts, int topK, out int status)
    {
        int dim = router.Length / experts, tokens = input.Length / dim, found = StepStatus.Clean;
        GuardedFloats x = new(input), r = new(router), logits = new(tokens * experts), ids = new(tokens * topK),
            weights = new(tokens * topK);
        RouterTopK.Run(_threads, x.Pointer, tokens, r.Pointer, experts, dim, topK, logits.Pointer, (int*)ids.Pointer,
            weights.Pointer, &found, 6);
        status = found;
        return ([.. ids.Values().Select(BitConverter.SingleToInt32Bits)], weights.Values());
    }

    private static ProductInput FloatInput(GuardedFloats rows, int cols) => new(rows.Pointer, null, cols, default);

    private static int[] ColsOf(WeightFormat format) => Quantizer.BlockValues(format) switch
    {
        1 => [1, 2, 31, 33, 100],
        int block => [block, block == 32 ? 96 : 512],
    };

    private float[] Floats(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.NextSingle() * 2 - 1)];

    private static void AssertClose(IEnumerable<float> expected, float[] actual, float tolerance)
    {
        float[] wanted = [.. expected];
        Assert.Equal(wanted.Length, actual.Length);
        for (int i = 0; i < wanted.Length; i++)
            if (!(MathF.Abs(wanted[i] - actual[i]) <= tolerance))
                Assert.Fail($"Value {i} is {actual[i]:R}, not {wanted[i]:R} (within {tolerance:R}).");
    }
}
