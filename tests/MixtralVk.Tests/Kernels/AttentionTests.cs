using MixtralVk.Kernels;
using MixtralVk.Model;
using MixtralVk.Testing.Kernels;

namespace MixtralVk.Tests.Kernels;

[Collection(VulkanCollection.Name)]
public sealed class AttentionTests(KernelDevice gpu)
{
    public static TheoryData<int, string> Shapes
    {
        get
        {
            TheoryData<int, string> data = [];
            foreach ((int index, AttentionShape shape) in AttentionCases.Shapes.Index())
                foreach (AttentionForm form in AttentionCases.FormsOf(shape)) data.Add(index, $"{form}");
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Split_and_merge_give_the_bits_of_one_pass(int shape, string form) => gpu.Run(memory =>
    {
        AttentionCases.AttentionInputs inputs =
            new(memory, AttentionCases.Shapes.ElementAt(shape) with { Form = Enum.Parse<AttentionForm>(form) });
        int words = inputs.Expected().Length;
        CaseBuffer partials = memory.Output(inputs.PartialWords, "partials"), merged = memory.Output(words, "merged"),
            whole = memory.Output(words, "whole");
        memory.Run(recorder =>
        {
            recorder.Dispatch(inputs.Split(partials));
            recorder.Dispatch(inputs.Merge(partials, merged));
            recorder.Dispatch(inputs.Prefill(whole));
        });
        Compare.Words(whole.Read<uint>(), merged.Read<uint>());
    });

    /// <summary>A row has the same bits whatever other rows the step holds: chunking and batching change nothing.</summary>
    [Theory]
    [InlineData(nameof(AttentionForm.Wide))]
    [InlineData(nameof(AttentionForm.Narrow))]
    public void A_row_alone_gives_the_bits_of_a_row_among_others(string form)
    {
        var all = new AttentionShape(KvFormat.F16, 4, 2, 16, 1, [299, 31, 256], Enum.Parse<AttentionForm>(form));
        uint[] together = BitsOf(rows: 3), alone = BitsOf(rows: 1);
        Compare.Words(together.AsSpan(0, 64), alone.AsSpan(0, 64));
        Assert.All(alone[64..], word => Assert.Equal(CaseBuffer.Poison, word));

        uint[] BitsOf(int rows)
        {
            uint[] bits = [];
            gpu.Run(memory =>
            {
                AttentionCases.AttentionInputs inputs = new(memory, all);
                CaseBuffer output = memory.Output(inputs.Expected().Length);
                AttentionPrefill kernel = inputs.Prefill(output) with { Tiles = AttentionCases.Tiles(memory, new int[rows], inputs.Block) };
                memory.Run(recorder => recorder.Dispatch(kernel));
                bits = output.Read<uint>().ToArray();
            });
            return bits;
        }
    }

    /// <summary>Positions and pages come from the engine; should they ever be wrong, reads stay inside the pools.</summary>
    [Theory]
    [InlineData(nameof(AttentionForm.Wide))]
    [InlineData(nameof(AttentionForm.Narrow))]
    public void Wrong_positions_and_pages_touch_nothing_outside(string form)
    {
        gpu.Run(memory =>
        {
            const uint heads = 2, headDim = 16, maxPages = 2;
            uint[] pool = new uint[2 * heads * headDim * 16];
            CaseBuffer rows = memory.Rows(2), positions = memory.Input<uint>([33, 4_000_000_000]), owners = memory.Input<uint>([0, 0]);
            CaseBuffer pageTables = memory.Input<uint>([1, 77]), qkv = memory.InOut(TestData.Floats(2 * 6 * 16, 1)),
                table = memory.Input(TestData.Floats(34 * 16, 2), "table");
            CaseBuffer keys = memory.InOut(pool, "keys"), values = memory.InOut(pool, "values"), output = memory.Output(2 * 2 * 16);
            QueryBlock block = QueryBlock.For(heads, heads, headDim, severalRows: true);
            CaseBuffer tiles = AttentionCases.Tiles(memory, [0, 0], block);
            memory.Run(recorder =>
            {
                recorder.Dispatch(new RopeKvWrite(KvFormat.F16, rows, positions, owners, pageTables, table.ExactView, qkv, keys.ExactView,
                    values.ExactView, heads, heads, headDim, headDim, maxPages, 2));
                recorder.Dispatch(new AttentionPrefill(KvFormat.F16, tiles, positions, owners, pageTables, qkv, keys.ExactView,
                    values.ExactView, output, heads, heads, headDim, 96, maxPages, block, 4, Enum.Parse<AttentionForm>(form), 2));
            });
            Compare.Words(pool, keys.Read<uint>());
            foreach (float v in output.Read<float>()) Assert.Equal(0, v);
        });
    }
}
