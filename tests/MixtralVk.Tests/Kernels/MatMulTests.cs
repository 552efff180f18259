using MixtralVk.Kernels;
using MixtralVk.Quantization;
using MixtralVk.Testing.Kernels;

namespace MixtralVk.Tests.Kernels;

[Collection(VulkanCollection.Name)]
public sealed class MatMulTests(KernelDevice gpu)
{
    public static TheoryData<WeightFormat> Formats => [.. Enum.GetValues<WeightFormat>()];

    /// <summary>Decode, batches and chunks use different variants; the bits of a token must not depend on which.</summary>
    [Theory]
    [MemberData(nameof(Formats))]
    public void Variants_of_one_order_give_the_same_bits(WeightFormat format)
    {
        const int rows = 130, cols = 768, tokens = 17;
        var matrix = new TestMatrix(format, rows, cols, 1);
        float[] input = TestData.Floats(tokens * cols, 2);

        AssertEqual(new(1, 1, SubgroupSize: gpu.Device.Limits.MaxSubgroupSize), new(1, 8), new(2, 4, Lanes: 32), MatMulCases.Software(1),
            MatMulCases.Software(4),
            new(4, 2, Lanes: 16, WeightFetch: WeightFetch.Texel));
        AssertEqual(new(1, 1, ColumnSplits: 2), new(2, 2, RunsPerLane: 2), MatMulCases.Software(4) with { RunsPerLane = 2 });
        AssertEqual(new(1, 1, WorkgroupSplits: 3), new(2, 4, PartsPerWorkgroup: 3), MatMulCases.Software(4) with { PartsPerWorkgroup = 3 });
        AssertEqual(new(1, 1, ColumnSplits: 2, WorkgroupSplits: 3), MatMulCases.Software(2) with { RunsPerLane = 2,
            PartsPerWorkgroup = 3 }, new(1, 8, Lanes: 32, ColumnSplits: 2, PartsPerWorkgroup: 3));

        if (QuantizeRows.Serves(format))
            AssertEqual([.. ((ProductVariant[])[new(1, 1, ColumnSplits: 2), new(2, 4, RunsPerLane: 2),
                new(4, 8, Lanes: 16, RunsPerLane: 2, WeightFetch: WeightFetch.Texel)])
                .Select(v => v with { Arithmetic = Arithmetic.PackedInt8 })]);

        void AssertEqual(params ProductVariant[] variants)
        {
            Assert.Single(variants.Select(v => v.SummationOrder).Distinct());
            uint[] expected = Product(variants[0]);
            foreach (ProductVariant variant in variants.Skip(1)) Compare.Words(expected, Product(variant));
        }

        uint[] Product(ProductVariant variant)
        {
            uint[] result = [];
            gpu.Run(memory =>
            {
                bool isSplit = variant.WorkgroupSplits > 1;
                uint stride = AddParts.StrideOf(tokens, rows);
                CaseBuffer output = memory.Output(tokens * rows),
                    parts = memory.Output((int)(isSplit ? variant.WorkgroupSplits * stride : 1)), count = memory.Rows(tokens);
                var kernel = new MatMul(format, memory.Input(matrix.Tiles), count, memory.Input(input), isSplit ? parts : output, cols,
                    rows, 0, rows, false, tokens, variant, stride,
                    variant.Arithmetic == Arithmetic.PackedInt8 ? memory.Input(new QuantizedRows(input, cols).Words).View : default);
                memory.Run(recorder =>
                {
                    recorder.Dispatch(kernel);
                    if (isSplit) recorder.Dispatch(
                        new AddParts(count, parts, output, variant.WorkgroupSplits, false, false, 1, 0, rows, rows, stride, tokens));
                });
                result = output.Read<uint>().ToArray();
            });
            return result;
        }
    }

    /// <summary>The experts' products add like the plain one, so a variant for few and one for many entries give the same text.</summary>
    [Theory]
    [MemberData(nameof(Formats))]
    public void An_expert_of_all_entries_gives_the_bits_of_the_plain_product(WeightFormat format)
    {
        const int rows = 70, cols = 256, tokens = 9;
        var matrix = new TestMatrix(format, rows, cols, 1);
        float[] input = TestData.Floats(tokens * cols, 2);
        gpu.Run(memory =>
        {
            CaseBuffer count = memory.Rows(tokens), groups = memory.Input<uint>([tokens, 0]),
                entries = memory.Input<int>([.. Enumerable.Range(0, tokens)]);
            CaseBuffer plain = memory.Output(tokens * rows), expert = memory.Output(tokens * rows), wide = memory.Output(tokens * rows);
            CaseBuffer weights = memory.Input(matrix.Tiles), x = memory.Input(input);
            memory.Run(recorder =>
            {
                recorder.Dispatch(
                    new MatMul(format, weights, count, x, plain, cols, rows, 0, rows, false, tokens, new(1, 1, ColumnSplits: 2)));
                recorder.Dispatch(new ExpertMatMul(format, groups, entries, weights, x, expert, 0, 1, cols, rows, 0, rows, tokens,
                    new(1, 1, ColumnSplits: 2)));
                recorder.Dispatch(new ExpertMatMul(format, groups, entries, weights, x, wide, 0, 1, cols, rows, 0, rows, tokens,
                    new(8, 4, RunsPerLane: 2)));
            });
            Compare.Words(plain.Read<uint>(), expert.Read<uint>());
            Compare.Words(plain.Read<uint>(), wide.Read<uint>());
        });
    }

    /// <summary>Parts over workgroups, in another memory, add up to the bits of one workgroup that takes them all.</summary>
    [Fact]
    public void Experts_split_over_workgroups_give_the_bits_of_those_that_are_not()
    {
        const int rows = 70, cols = 768, tokens = 3;
        ProductVariant split = new(1, 2, ColumnSplits: 2, WorkgroupSplits: 3), whole = new(2, 4, ColumnSplits: 2, PartsPerWorkgroup: 3);
        TestMatrix gate = new(WeightFormat.Q4_0, rows, cols, 1), up = new(WeightFormat.Q4_0, rows, cols, 2);
        uint stride = AddParts.StrideOf(tokens, rows);
        gpu.Run(memory =>
        {
            CaseBuffer count = memory.Rows(tokens), groups = memory.Input<uint>([tokens, 0]),
                entries = memory.Input<int>([.. Enumerable.Range(0, tokens)]);
            CaseBuffer gateWeights = memory.Input(gate.Tiles), upWeights = memory.Input(up.Tiles),
                x = memory.Input(TestData.Floats(tokens * cols, 3)), parts = memory.Output((int)(6 * stride));
            CaseBuffer[] outputs = [.. Enumerable.Range(0, 4).Select(_ => memory.Output(tokens * rows))];
            memory.Run(recorder =>
            {
                GateUp(parts, split);
                recorder.Dispatch(new AddParts(count, parts, outputs[0], 3, true, false, 1, 0, rows, rows, stride, tokens));
                GateUp(outputs[1], whole);
                Down(parts, split);
                recorder.Dispatch(new AddParts(count, parts, outputs[2], 3, false, false, 1, 0, rows, rows, stride, tokens));
                Down(outputs[3], whole);

                void GateUp(CaseBuffer output, ProductVariant variant) =>
                    recorder.Dispatch(new ExpertGateUp(WeightFormat.Q4_0, groups, entries, gateWeights, upWeights, x, output, 0, 1, cols,
                        rows, 0, rows, tokens, variant, stride));

                void Down(CaseBuffer output, ProductVariant variant) =>
                    recorder.Dispatch(new ExpertMatMul(WeightFormat.Q4_0, groups, entries, gateWeights, x, output, 0, 1, cols, rows, 0,
                        rows, tokens, variant, stride));
            });
            Compare.Words(outputs[1].Read<uint>(), outputs[0].Read<uint>());
            Compare.Words(outputs[3].Read<uint>(), outputs[2].Read<uint>());
        });
    }

    /// <summary>Gate and up fused against gate, up and SwiGLU apart: the path for files whose formats differ.</summary>
    [Fact]
    public void Gate_and_up_fused_give_the_bits_of_gate_and_up_apart()
    {
        const int rows = 70, cols = 256, tokens = 5;
        TestMatrix gate = new(WeightFormat.Q4_K, rows, cols, 1), up = new(WeightFormat.Q4_K, rows, cols, 2);
        gpu.Run(memory =>
        {
            CaseBuffer count = memory.Rows(tokens), groups = memory.Input<uint>([tokens, 0]),
                entries = memory.Input<int>([.. Enumerable.Range(0, tokens)]);
            CaseBuffer gateWeights = memory.Input(gate.Tiles), upWeights = memory.Input(up.Tiles),
                x = memory.Input(TestData.Floats(tokens * cols, 3));
            CaseBuffer fused = memory.Output(tokens * rows), gateOutput = memory.Output(tokens * rows),
                upOutput = memory.Output(tokens * rows);
            memory.Run(recorder =>
            {
                recorder.Dispatch(new ExpertGateUp(WeightFormat.Q4_K, groups, entries, gateWeights, upWeights, x, fused, 0, 1, cols, rows,
                    0, rows, tokens, new(4, 4, RunsPerLane: 2)));
                recorder.Dispatch(new ExpertMatMul(WeightFormat.Q4_K, groups, entries, gateWeights, x, gateOutput, 0, 1, cols, rows, 0,
                    rows, tokens, new(1, 1, ColumnSplits: 2)));
                recorder.Dispatch(new ExpertMatMul(WeightFormat.Q4_K, groups, entries, upWeights, x, upOutput, 0, 1, cols, rows, 0, rows,
                    tokens, new(1, 1, ColumnSplits: 2)));
                recorder.Dispatch(new SwiGlu(count, gateOutput, upOutput, gateOutput, rows, 1, tokens));
            });
            Compare.Words(fused.Read<uint>(), gateOutput.Read<uint>());
        });
    }

    /// <summary>A NaN weight spoils its own row and nothing else.</summary>
    [Fact]
    public void NaN_weights_stay_in_their_row()
    {
        const int rows = 66, cols = 32;
        var matrix = new TestMatrix(WeightFormat.F32, rows, cols, 1);
        BitConverter.TryWriteBytes(matrix.Tiles.AsSpan(5 * 4), float.NaN);
        gpu.Run(memory =>
        {
            CaseBuffer output = memory.Output(rows);
            var kernel = new MatMul(WeightFormat.F32, memory.Input(matrix.Tiles), memory.Rows(1), memory.Input(TestData.Floats(cols, 2)),
                output, cols, rows, 0, rows, false, 1, new(1, 1, ColumnSplits: 2));
            memory.Run(recorder => recorder.Dispatch(kernel));
            ReadOnlySpan<float> y = output.Read<float>();
            for (int r = 0; r < rows; r++) Assert.Equal(r == 5, float.IsNaN(y[r]));
        });
    }
}
