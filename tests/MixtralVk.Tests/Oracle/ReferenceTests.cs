using MixtralVk.Reference;

namespace MixtralVk.Tests.Oracle;

/// <summary>The definition of correct against numbers worked out by hand.</summary>
public class ReferenceTests
{
    private static readonly byte[] _one = [0x00, 0x3C], _half = [0x00, 0x38], _minusTwo = [0x00, 0xC0];

    [Fact]
    public void F32_and_F16_are_plain_little_endian_floats()
    {
        Assert.Equal([1f, -2f], Dequantize.Blocks(TensorType.F32, [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]));
        Assert.Equal([1f, 0.5f, -2f, 5.9604645E-8f], Dequantize.Blocks(TensorType.F16, [.. _one, .. _half, .. _minusTwo, 1, 0]));
    }

    [Fact]
    public void Q4_0_has_its_first_half_in_the_low_nibbles_and_an_offset_of_8()
    {
        var block = new byte[18];
        _half.CopyTo(block, 0);
        block.AsSpan(2).Fill(0x88);
        block[2] = 0xF0;      // value 0: (0 - 8) / 2; value 16: (15 - 8) / 2
        block[2 + 15] = 0x7A; // value 15: (10 - 8) / 2; value 31: (7 - 8) / 2
        float[] values = Dequantize.Blocks(TensorType.Q4_0, block);
        Assert.Equal((-4f, 3.5f, 1f, -0.5f), (values[0], values[16], values[15], values[31]));
        Assert.Equal(28, values.Count(v => v == 0));
    }

    [Fact]
    public void Q8_0_has_signed_bytes()
    {
        var block = new byte[34];
        _half.CopyTo(block, 0);
        (block[2], block[33]) = (0x80, 0x7F);
        float[] values = Dequantize.Blocks(TensorType.Q8_0, block);
        Assert.Equal((-64f, 0f, 63.5f), (values[0], values[1], values[31]));
    }

    [Fact]
    public void Q4_K_takes_its_later_scales_from_three_places()
    {
        var block = new byte[144];
        _one.CopyTo(block, 0);
        _half.CopyTo(block, 2);
        var scales = block.AsSpan(4, 12);
        scales[0] = 0b10_000011;  // scale 0 = 3; top of scale 4 = 2
        scales[4] = 0b01_000101;  // minimum 0 = 5; top of minimum 4 = 1
        scales[8] = 0b0110_1001;  // scale 4 = 2 * 16 + 9 = 41; minimum 4 = 1 * 16 + 6 = 22
        block[16] = 0xC7;         // value 0 = 7, value 32 (sub-block 1, scale 0) = 12
        block[16 + 64] = 0x0B;    // value 128 (sub-block 4) = 11
        float[] values = Dequantize.Blocks(TensorType.Q4_K, block);
        Assert.Equal(3 * 7 - 0.5f * 5, values[0]);
        Assert.Equal(-0.5f * 5, values[1]);
        Assert.Equal(0, values[32]);
        Assert.Equal(41 * 11 - 0.5f * 22, values[128]);
    }

    [Fact]
    public void Q5_K_has_the_fifth_bits_of_each_sub_block_in_a_bit_of_its_own()
    {
        var block = new byte[176];
        _one.CopyTo(block, 0);
        _half.CopyTo(block, 2);
        block[4] = block[5] = 1;         // scales 0 and 1; minima 0 and 1 are 0
        block[12 + 1] = 0b0011_0010;     // sub-block 5: scale 2, minimum 3
        block[16] = 0b0000_0001;         // value 0 only
        block[16 + 31] = 0b0010_0010;    // values 63 and 191, the last ones of sub-blocks 1 and 5
        block[48] = 0x37;                // value 0 = 7 + 16, value 32 = 3
        block[48 + 31] = 0x90;           // value 31 = 0, value 63 = 9 + 16
        block[48 + 2 * 32 + 31] = 0xF0;  // value 191 = 15 + 16
        float[] values = Dequantize.Blocks(TensorType.Q5_K, block);
        Assert.Equal((23f, 3f, 0f, 25f), (values[0], values[32], values[31], values[63]));
        Assert.Equal((2 * 31 - 0.5f * 3, -0.5f * 3), (values[191], values[190]));
    }

    [Fact]
    public void Q6_K_joins_nibbles_and_bit_pairs()
    {
        var block = new byte[210];
        _half.CopyTo(block, 208);
        block.AsSpan(192, 16).Fill(1);
        block[192 + 2 * 5] = unchecked((byte)-3); // values 160 to 175
        block[64 + 32] = 0x0E;                    // half 1, nibble row 1: value 160 has low nibble 14
        block[128 + 32] = 0b00_00_10_00;          // half 1, pair 1 of byte 0: value 160 has high pair 2
        float[] values = Dequantize.Blocks(TensorType.Q6_K, block);
        Assert.Equal(0.5f * -3 * (14 + 2 * 16 - 32), values[160]);
        Assert.Equal(0.5f * -3 * -32, values[161]);
        Assert.Equal(0.5f * -32, values[0]);
    }

    [Fact]
    public void RmsNorm_divides_by_the_root_of_the_mean_square()
    {
        Assert.Equal([0.6f, 1.6f, 3f, -8f], RmsNorm.Run([3, 4, 3, -4], [1, 2], 12.5f).Select((v, i) => v * (i < 2 ? 1 : 5)), Near(1e-6f));
        Assert.Equal([0f, 0f], RmsNorm.Run([0, 0], [1, 1], 1e-5f));
    }

    [Fact]
    public void MatMul_gives_tokens_by_rows() =>
        Assert.Equal([14f, 32f, 50f, 4f, 10f, 16f], MatMul.Run([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 1, 0, 1], 3));

    [Fact]
    public void Rope_turns_interleaved_pairs_and_leaves_position_0_and_the_rest_of_a_head()
    {
        float[] vector = [1, 0, 0, 1, 5, 6];
        Assert.Equal(vector, Rope.Run(vector, [0], 6, 4, 100));
        // Pair 0 turns by 2 radians, pair 1 by 2 * 100^(-2/4) = 0.2.
        float[] expected = [MathF.Cos(2), MathF.Sin(2), -MathF.Sin(0.2f), MathF.Cos(0.2f), 5, 6];
        Assert.Equal(expected, Rope.Run(vector, [2], 6, 4, 100), Near(1e-6f));
    }

    [Fact]
    public void Attention_is_causal_and_shares_key_heads()
    {
        // 2 query heads, 1 key/value head of 1 dimension; head 0 asks with 0 (even weights), head 1 with ln 3 (weights 1 : 3).
        float ln3 = MathF.Log(3);
        float[] output = Attention.Run([0, ln3, 0, ln3], [0, 1, 100], [8, 4, 1000], [0, 1], 2, 1, 1);
        Assert.Equal([8f, 8f, 6f, 5f], output, Near(1e-5f));
    }

    [Fact]
    public void Router_breaks_ties_to_the_lower_index_and_weighs_only_the_chosen()
    {
        var (ids, weights) = RouterTopK.Pick([0, 2, 5, 2], 2);
        Assert.Equal([2, 1], ids);
        Assert.Equal([1 / (1 + MathF.Exp(-3)), 1 / (1 + MathF.Exp(3))], weights, Near(1e-6f));
        Assert.Equal([1, 3], RouterTopK.Pick([float.NaN, 2, float.NegativeInfinity, 2], 2).Ids);
        Assert.Equal([0, 1], RouterTopK.Pick([float.NaN, float.NaN, float.NaN], 2).Ids);
    }

    [Fact]
    public void GroupTokens_gives_the_worked_example_of_its_documentation()
    {
        var (counts, offsets, entries) = GroupTokens.Run([2, 0, 0, 3, 2, 1], 4);
        Assert.Equal([2, 1, 2, 1], counts);
        Assert.Equal([0, 2, 3, 5], offsets);
        Assert.Equal([1, 2, 5, 0, 4, 3], entries);
    }

    [Fact]
    public void Experts_gate_project_and_combine()
    {
        // gate = 2, up = 3 on input 1: silu(2) * 3
        Assert.Equal([2 / (1 + MathF.Exp(-2)) * 3], ExpertGateUp.Run([2], [3], [1], 1), Near(1e-6f));
        Assert.Equal([5f, 7f], ExpertDown.Run([1, 2, 3, 2], [1, 2], 2));
        Assert.Equal([1 + 0.25f * 10 + 0.75f * 20, 2 + 0.5f * 30 + 0.5f * 40],
            CombineExperts.Run([1, 2], [10, 20, 30, 40], [0.25f, 0.75f, 0.5f, 0.5f], 2));
    }

    [Fact]
    public void A_model_of_one_number_per_tensor_runs_by_hand()
    {
        // Every norm gives sign(x) * weight (epsilon 0); attention to itself gives v; one layer, dense.
        var config = new ReferenceConfig(1, 1, 1, 1, 1, 1, 0, 0, 2, 0, 1e4f, 0);
        var model = new ReferenceModel(config, (tensor, _, _) => Floats(tensor switch
        {
            ReferenceTensor.TokenEmbedding => [3, -4],
            ReferenceTensor.AttentionNorm => [2],
            ReferenceTensor.Value => [5],
            ReferenceTensor.AttentionOutput => [0.5f],
            ReferenceTensor.GateProj => [1],
            ReferenceTensor.UpProj => [10],
            ReferenceTensor.DownProj => [0.1f],
            ReferenceTensor.Output => [1, 7],
            ReferenceTensor.Query or ReferenceTensor.Key or ReferenceTensor.FeedForwardNorm or ReferenceTensor.OutputNorm => [1],
            ReferenceTensor.Router => throw new InvalidOperationException("A dense model has no router."),
        }));
        LayerTrace? trace = null;
        Assert.Equal([1f, 7f], model.Logits([0], onLayer: t => trace = t), Near(1e-6f));
        // 3 + 0.5 * 5 * 2 = 8; then 8 + 0.1 * silu(1) * 10
        Assert.Equal((3f, 8f), (trace!.Input[0], trace.AfterAttention[0]));
        Assert.Equal(8 + 1 / (1 + MathF.Exp(-1)), trace.Output[0], 1e-6f);
    }

    private static RawTensor Floats(float[] values) => new(TensorType.F32, [.. values.SelectMany(BitConverter.GetBytes)]);

    private static Func<float, float, bool> Near(float tolerance) => (a, b) => MathF.Abs(a - b) <= tolerance;
}
