using MixtralVk.Kernels;
using MixtralVk.Quantization;
using MixtralVk.Testing.Kernels;

namespace MixtralVk.Tests.Kernels;

/// <summary>The router and the grouping under weights and ids that a stranger's file can bring about.</summary>
[Collection(VulkanCollection.Name)]
public sealed class RouterTests(KernelDevice gpu)
{
    private const int Dim = 64, Experts = 8, TopK = 3;
    private static readonly ExpertGrids Grids = new(new(1, 1), new(1, 1), new(1, 8), 0, 4);

    [Theory]
    [InlineData(float.NaN, 1)]
    [InlineData(float.PositiveInfinity, 1)]
    [InlineData(float.NegativeInfinity, 8)]
    [InlineData(float.NaN, 8)]
    [InlineData(float.MaxValue, 2)]
    public void Whatever_the_logits_ids_are_distinct_and_in_range_and_weights_finite(float bad, int badExperts) => gpu.Run(memory =>
    {
        float[] input = [.. TestData.Floats(2 * Dim, 1).Select(MathF.Abs)], router = TestData.Floats(Experts * Dim, 2);
        for (int e = 0; e < badExperts; e++) router.AsSpan(e * Dim, 2).Fill(bad);
        CaseBuffer ids = memory.Output(2 * TopK), weights = memory.Output(2 * TopK), status = memory.Status();
        var kernel = new RouterTopK(memory.Rows(2), memory.Input(input), memory.Input(router), ids, weights, status, Dim,
            Experts, TopK, 11, 2);
        memory.Run(recorder => recorder.Dispatch(kernel));

        for (int t = 0; t < 2; t++)
        {
            int[] chosen = ids.Read<int>().Slice(t * TopK, TopK).ToArray();
            Assert.All(chosen, id => Assert.InRange(id, 0, Experts - 1));
            Assert.Equal(TopK, chosen.Distinct().Count());
            float[] w = weights.Read<float>().Slice(t * TopK, TopK).ToArray();
            Assert.All(w, v => Assert.InRange(v, 0, 1));
            Assert.Equal(1, w.Sum(), 1e-5);
            if (badExperts <= Experts - TopK) Assert.All(chosen, id => Assert.InRange(id, badExperts, Experts - 1));
        }
        Assert.Equal(11u, status.Read<uint>()[0]);
    });

    [Fact]
    public void The_lowest_site_stays_in_the_status()
    {
        gpu.Run(memory =>
        {
            CaseBuffer rows = memory.Rows(1), input = memory.Input(new float[] { 1, float.NaN }),
                weight = memory.Input(new float[] { 1, 1 });
            CaseBuffer output = memory.Output(2), status = memory.Status();
            memory.Run(recorder =>
            {
                foreach (uint site in (uint[])[9, 4, 6])
                    recorder.Dispatch(new RmsNorm(rows, input, weight, output, status, 2, 1e-5f, site, 1));
            });
            Assert.Equal(4u, status.Read<uint>()[0]);
        });
    }

    [Fact]
    public void An_id_out_of_range_belongs_to_no_expert()
    {
        gpu.Run(memory =>
        {
            CaseBuffer groups = memory.Output(2 * Experts), entries = memory.Output(6), arguments = memory.Output(18 * Experts);
            var kernel = new GroupTokens(memory.Rows(3), memory.Input<uint>([0, 99, uint.MaxValue, 7, 8, 0]),
                memory.Input<uint>([0, 1, 2, 3, 4, 5, 6, 7]), groups, entries, arguments,
                Experts, Experts, 2, Grids, Grids, 3);
            memory.Run(recorder => recorder.Dispatch(kernel));
            Compare.Words([2, 0, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 1, 2], groups.Read<uint>());
            Compare.Words([0, 5, 3, CaseBuffer.Poison, CaseBuffer.Poison, CaseBuffer.Poison], entries.Read<uint>());
        });
    }

    /// <summary>A row count beyond the grid, which no engine writes, must not lead past the lists.</summary>
    [Fact]
    public void A_lying_row_count_is_cut_to_the_most_rows()
    {
        gpu.Run(memory =>
        {
            CaseBuffer groups = memory.Output(2), entries = memory.Output(4), arguments = memory.Output(18);
            var kernel = new GroupTokens(memory.Rows(1000), memory.Input(new uint[4]), memory.Input<uint>([0]), groups, entries, arguments,
                1, 1, 1, Grids, Grids, 4);
            memory.Run(recorder => recorder.Dispatch(kernel));
            Compare.Words([4, 0], groups.Read<uint>());
        });
    }

    /// <summary>The sizes the grouping writes drive one of the three products of each expert, and the others do nothing.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(12)]
    public void Indirect_dispatches_serve_every_entry_once(int tokens) => gpu.Run(memory =>
    {
        const uint rows = 65, cols = 64;
        ExpertVariants variants = new(new(1, 1, ColumnSplits: 2), new(1, 2, ColumnSplits: 2), new(2, 8, ColumnSplits: 2), 1, 2);
        ExpertGrids grids = ExpertGrids.Of(variants, rows);
        TestMatrix[] matrices = [.. Enumerable.Range(0, 4).Select(e => new TestMatrix(WeightFormat.Q4_0, (int)rows, (int)cols, e))];
        int[] ids = TestData.Ints(tokens, 4, 7);
        float[] input = TestData.Floats(tokens * (int)cols, 8);
        CaseBuffer count = memory.Rows(tokens), idBuffer = memory.Input(ids), x = memory.Input(input),
            output = memory.Output(tokens * (int)rows);
        CaseBuffer groups = memory.Output(8, "groups"), entries = memory.Output(tokens, "entries"),
            arguments = memory.Output(72, "arguments");
        CaseBuffer slots = memory.Input<uint>([0, 1, 2, 3], "slots");
        CaseBuffer[] weights = [.. matrices.Select(m => memory.Input(m.Tiles))];
        memory.Run(recorder =>
        {
            recorder.Dispatch(new GroupTokens(count, idBuffer, slots, groups, entries, arguments, 4, 4, 1, grids, grids, (uint)tokens));
            for (uint e = 0; e < 4; e++)
                foreach ((ExpertWidth width, ProductVariant variant) in variants.For((uint)tokens))
                    recorder.DispatchIndirect(
                        new ExpertMatMul(WeightFormat.Q4_0, groups, entries, weights[e], x, output, e, 1, cols, rows, 0, rows,
                        (uint)tokens, variant), arguments.View.Slice(GroupTokens.ArgumentOffset(e, down: true, width), 12));
        });
        float[] expected =
            [.. ids.SelectMany((id, t) => Reference.MatMul.Run(matrices[id].Values, input.AsSpan(t * (int)cols, (int)cols), (int)cols))];
        Compare.Floats(expected, output.Read<float>(), MatMulCases.Bound);
    });
}
