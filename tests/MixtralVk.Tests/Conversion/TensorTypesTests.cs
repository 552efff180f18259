using MixtralVk.Conversion;
using MixtralVk.Loading;

namespace MixtralVk.Tests.Conversion;

/// <summary>
/// The types of a mix, tensor by tensor, as `lcpp quantize -q q4_k_m` and `-q q5_k_m` (llama.cpp v0.5.0) chose them for such models.
/// </summary>
public sealed class TensorTypesTests
{
    // Which layers' down projections got Q6_K.
    private static readonly int[] s_moreBitsOf32 = [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31],
        s_moreBitsOf9 = [0, 3, 6, 7, 8];

    [Theory]
    [InlineData(QuantizationType.Q4_K_M, GgmlType.Q4_K, GgmlType.Q5_K)]
    [InlineData(QuantizationType.Q5_K_M, GgmlType.Q5_K, GgmlType.Q5_K)]
    public void Eight_experts(QuantizationType type, GgmlType most, GgmlType attentionOutput)
    {
        var types = new TensorTypes(type, 32, 8, tiedOutput: false, pure: false);
        Assert.Equal(most, Of(types, "token_embd.weight", 4096, 32000));
        Assert.Equal(GgmlType.Q6_K, Of(types, "output.weight", 4096, 32000));
        for (int layer = 0; layer < 32; layer++)
        {
            string block = $"blk.{layer}.";
            Assert.Equal(most, Of(types, block + "attn_q.weight", 4096, 4096));
            Assert.Equal(GgmlType.Q8_0, Of(types, block + "attn_k.weight", 4096, 1024));
            Assert.Equal(GgmlType.Q8_0, Of(types, block + "attn_v.weight", 4096, 1024));
            Assert.Equal(attentionOutput, Of(types, block + "attn_output.weight", 4096, 4096));
            Assert.Equal(GgmlType.F32, Of(types, block + "attn_norm.weight", 4096));
            Assert.Equal(GgmlType.F32, Of(types, block + "ffn_gate_inp.weight", 4096, 8));
            Assert.Equal(most, Of(types, block + "ffn_gate_exps.weight", 4096, 14336, 8));
            Assert.Equal(s_moreBitsOf32.Contains(layer) ? GgmlType.Q6_K : most, Of(types, block + "ffn_down_exps.weight", 14336, 4096, 8));
            Assert.Equal(s_moreBitsOf32.Contains(layer) ? GgmlType.Q6_K : most, Of(types, block + "ffn_down.3.weight", 14336, 4096));
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(0)]
    public void Other_models(int experts)
    {
        var types = new TensorTypes(QuantizationType.Q4_K_M, 9, experts, tiedOutput: false, pure: false);
        string suffix = experts > 0 ? "_exps.weight" : ".weight";
        for (int layer = 0; layer < 9; layer++)
        {
            GgmlType more = layer > 0 && s_moreBitsOf9.Contains(layer) || layer == 0 ? GgmlType.Q6_K : GgmlType.Q4_K;
            Assert.Equal(more, Of(types, $"blk.{layer}.attn_v.weight", 256, 64));
            Assert.Equal(more, Of(types, $"blk.{layer}.ffn_down{suffix}", 256, 256));
            Assert.Equal(GgmlType.Q4_K, Of(types, $"blk.{layer}.attn_k.weight", 256, 64));
            Assert.Equal(GgmlType.Q4_K, Of(types, $"blk.{layer}.attn_output.weight", 256, 256));
        }
    }

    [Theory]
    [InlineData(QuantizationType.Q4_K_M, GgmlType.Q5_0)]
    [InlineData(QuantizationType.Q5_K_M, GgmlType.Q5_1)]
    [InlineData(QuantizationType.Q6_K, GgmlType.Q8_0)]
    public void Rows_that_are_no_whole_blocks_take_the_next_larger_type(QuantizationType type, GgmlType wanted)
    {
        var types = new TensorTypes(type, 8, 0, tiedOutput: false, pure: true);
        Assert.Equal(wanted, Of(types, "blk.0.attn_q.weight", 160, 160));
        Assert.Equal(GgmlType.F16, Of(types, "blk.0.attn_q.weight", 172, 160));
    }

    [Fact]
    public void Pure_is_one_type_and_tied_embeddings_count_as_output()
    {
        Assert.Equal(GgmlType.Q4_K, Of(new TensorTypes(QuantizationType.Q4_K_M, 32, 8, false, pure: true), "output.weight", 256, 512));
        Assert.Equal(GgmlType.Q6_K,
            Of(new TensorTypes(QuantizationType.Q4_0, 32, 8, tiedOutput: true, pure: false), "token_embd.weight", 256, 512));
        Assert.Equal(GgmlType.Q8_0, Of(new TensorTypes(QuantizationType.Q8_0, 32, 8, false, pure: false), "output.weight", 256, 512));
        Assert.Equal(GgmlType.F16, Of(new TensorTypes(QuantizationType.F16, 32, 8, false, pure: false), "output.weight", 256, 512));
    }

    private static GgmlType Of(TensorTypes types, string name, params long[] dimensions) =>
        types.Of(new CheckpointTensor(name, dimensions, []));
}
