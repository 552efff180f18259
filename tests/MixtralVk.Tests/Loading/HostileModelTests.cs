using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Loading;

/// <summary>Well-formed GGUF files that are no usable model, or a model that needs something the engine does not do.</summary>
public sealed class HostileModelTests
{
    private static readonly SyntheticModel Small = new() { Layers = 1, Experts = 2, Vocab = 40 };

    [Theory]
    [InlineData("llama.block_count", 0u)]
    [InlineData("llama.block_count", 2000000000u)]
    [InlineData("llama.embedding_length", 0u)]
    [InlineData("llama.embedding_length", 4294967295u)]
    [InlineData("llama.feed_forward_length", 2147483648u)]
    [InlineData("llama.attention.head_count", 0u)]
    [InlineData("llama.attention.head_count", 3u)]
    [InlineData("llama.attention.head_count_kv", 3u)]
    [InlineData("llama.attention.head_count_kv", 0u)]
    [InlineData("llama.rope.dimension_count", 18u)]
    [InlineData("llama.rope.dimension_count", 3u)]
    [InlineData("llama.attention.key_length", 17u)]
    [InlineData("llama.attention.key_length", 1000000u)]
    [InlineData("llama.attention.value_length", 8u)]
    [InlineData("llama.expert_count", 100000u)]
    [InlineData("llama.expert_used_count", 3u)]
    [InlineData("llama.expert_used_count", 0u)]
    [InlineData("llama.context_length", 0u)]
    [InlineData("llama.context_length", 4000000000u)]
    [InlineData("llama.rope.freq_base", 0f)]
    [InlineData("llama.rope.freq_base", float.PositiveInfinity)]
    [InlineData("llama.rope.scaling.factor", -2f)]
    [InlineData("llama.rope.scaling.factor", float.NaN)]
    [InlineData("llama.rope.scale_linear", float.PositiveInfinity)]
    [InlineData("llama.rope.scaling.attn_factor", 0f)]
    [InlineData("llama.attention.sliding_window", "wide")]
    [InlineData("llama.attention.layer_norm_rms_epsilon", float.NaN)]
    [InlineData("llama.attention.layer_norm_rms_epsilon", -1e-5f)]
    [InlineData("tokenizer.ggml.bos_token_id", 40u)]
    [InlineData("tokenizer.ggml.eos_token_id", 4294967295u)]
    [InlineData("llama.block_count", "two")]
    public void AbsurdValueNamesItsKey(string key, object value) =>
        Refused(Small.ToWriter().Remove(key), key, value, key[(key.LastIndexOf('.') + 1)..] switch
        {
            // Some values are wrong only beside others, and the message is about the pair.
            "dimension_count" when value is 3u => "RoPE over 3",
            "key_length" when value is 17u => "must be even",
            string field => field,
        });

    [Theory]
    [InlineData("general.architecture", "mamba", "'mamba' is not supported")]
    [InlineData("general.quantization_version", 1u, "quantization_version")]
    [InlineData("llama.rope.scaling.type", "longrope", "RoPE scaling of type 'longrope'")]
    [InlineData("llama.attention.causal", false, "causal")]
    [InlineData("llama.expert_gating_func", 2u, "softmax")]
    [InlineData("llama.expert_weights_scale", 2.5f, "expert_weights_scale")]
    [InlineData("llama.expert_shared_count", 1u, "shared experts")]
    [InlineData("llama.expert_group_count", 2u, "groups of experts")]
    public void WhatWouldChangeTheResultIsRefused(string key, object value, string cause) =>
        Refused(Small.ToWriter().Remove(key), key, value, cause);

    [Theory]
    [InlineData("llama.rope.scaling.yarn_ext_factor", 0.5f, "only 1 is supported")]
    [InlineData("llama.rope.scaling.yarn_attn_factor", 2f, "only 1 is supported")]
    [InlineData("llama.rope.scaling.yarn_log_multiplier", 0.1f, "only 0 is supported")]
    [InlineData("llama.rope.scaling.yarn_beta_fast", -1f, "yarn_beta_fast")]
    [InlineData("llama.rope.scaling.original_context_length", 0u, "original_context_length")]
    [InlineData("llama.rope.freq_base", 1f, "above 1")]
    public void YarnValueThatIsNotSupportedNamesItsKey(string key, object value, string cause) =>
        Refused(Small.ToWriter().Add("llama.rope.scaling.type", "yarn").Remove(key), key, value, cause);

    [Theory]
    [InlineData("llama.rope.scaling.type", "none")]
    [InlineData("llama.rope.scaling.factor", 1f)]
    [InlineData("llama.rope.scaling.factor", 0f)]
    [InlineData("llama.attention.sliding_window", 1024u)]
    [InlineData("llama.attention.sliding_window", 0u)]
    [InlineData("llama.expert_gating_func", 1u)]
    [InlineData("general.quantization_version", 2u)]
    public void WhatChangesNothingIsAccepted(string key, object value)
    {
        using TemporaryFile file = TemporaryFile.With(Add(Small.ToWriter(), key, value).ToBytes());
        using ModelSource source = ModelSource.Open(file.Path);
        Assert.Equal(40, source.Config.VocabSize);
    }

    [Fact]
    public void TooManyTokensAreRefusedBeforeTheyAreRead() => Refused(Small.ToWriter().Remove("tokenizer.ggml.tokens")
        .Add("tokenizer.ggml.tokens", [.. Enumerable.Repeat("", ModelLimits.MaxVocab + 1)]), $"more than {ModelLimits.MaxVocab}");

    public static TheoryData<string> RequiredKeys =>
        [.. "general.architecture llama.context_length llama.embedding_length llama.block_count llama.feed_forward_length llama.attention.head_count llama.attention.layer_norm_rms_epsilon llama.expert_used_count tokenizer.ggml.model tokenizer.ggml.tokens".Split(' ')];

    [Theory]
    [MemberData(nameof(RequiredKeys))]
    public void MissingKeyIsNamed(string key) => Refused(Small.ToWriter().Remove(key), $"{key} is missing");

    public static TheoryData<string> RequiredTensors => [.. Small.TensorNames.Where(name => name != "output.weight")];

    [Theory]
    [MemberData(nameof(RequiredTensors))]
    public void MissingTensorIsNamed(string name) => Refused(Small.ToWriter().RemoveTensor(name), $"tensor '{name}' is missing");

    [Theory]
    [MemberData(nameof(RequiredTensors))]
    public void WrongShapeIsNamed(string name) =>
        Refused(Small.ToWriter().RemoveTensor(name).AddTensor(name, GgmlType.F32, [8, 3], new byte[96]),
            $"tensor '{name}' has the shape 8 x 3");

    [Fact]
    public void UnsupportedTypeIsNamed() =>
        Refused(Small.ToWriter().RemoveTensor("output_norm.weight").AddTensor("output_norm.weight", GgmlType.Q8_1, [64], new byte[72]),
            "tensor 'output_norm.weight' has type Q8_1, which is not supported yet");

    [Theory]
    [InlineData(GgmlType.Q2_K, 256)]
    [InlineData(GgmlType.IQ4_XS, 256)]
    [InlineData(GgmlType.Q5_1, 32)]
    public void RowsThatAreNoWholeBlocksAreRefused(GgmlType type, int block) =>
        Refused(Small.ToWriter().RemoveTensor("output_norm.weight").AddTensor("output_norm.weight", type, [block + 8], new byte[512]),
            $"tensor 'output_norm.weight' of type {type} has rows of {block + 8}, not a multiple of {block}");

    [Theory]
    [InlineData("rope_factors_long.weight", "RoPE factors of LongRoPE")]
    [InlineData("rope_freqs.weight", "'rope_freqs.weight' has 0 at place 0")]
    [InlineData("blk.0.attn_q.bias", "biases")]
    [InlineData("blk.0.ffn_up_exps.scale", "tensor scales")]
    [InlineData("blk.0.ffn_up_shexp.weight", "shared experts")]
    [InlineData("blk.0.attn_k_norm.weight", "norms of queries and keys")]
    [InlineData("blk.0.ffn_gate.0.weight", "the experts of 'blk.0.ffn_gate_exps.weight' are there a second time")]
    public void TensorThatWouldChangeTheResultIsRefused(string name, string cause) =>
        Refused(Small.ToWriter().AddTensor(name, GgmlType.F32, [8], new byte[32]), cause);

    [Fact]
    public void OtherTensorsAreLeftAlone()
    {
        using TemporaryFile file =
            TemporaryFile.With(Small.ToWriter().AddTensor("vision.patch", GgmlType.IQ4_XS, [256], new byte[136]).ToBytes());
        using ModelSource source = ModelSource.Open(file.Path);
        Assert.Contains(source.Describe().Types, t => t.Type == "IQ4_XS");
    }

    [Fact]
    public void VocabularyOfAnotherSizeIsRefused()
    {
        var writer = Small.ToWriter().Remove("tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type");
        Refused(writer.Add("tokenizer.ggml.tokens", [.. Enumerable.Range(0, 41).Select(i => $"t{i}")]), "token_embd.weight");
    }

    [Fact]
    public void VocabularyArraysOfOtherLengthsAreRefused()
    {
        Refused(Small.ToWriter().Remove("tokenizer.ggml.scores").Add("tokenizer.ggml.scores", new float[39]),
            "scores has 39 entries for 40 tokens");
        Refused(Small.ToWriter().Remove("tokenizer.ggml.token_type").Add("tokenizer.ggml.token_type", new int[41]),
            "token_type has 41 entries");
        Refused(Small.ToWriter().Remove("tokenizer.ggml.token_type").Add("tokenizer.ggml.token_type", [.. Enumerable.Repeat(7, 40)]),
            "unknown type 7");
        Refused(Small.ToWriter().Remove("tokenizer.ggml.scores").Add("tokenizer.ggml.scores", [.. Enumerable.Repeat(float.NaN, 40)]),
            "score of token 0");
        Refused(Small.ToWriter().Remove("tokenizer.ggml.tokens").Add("tokenizer.ggml.tokens", Array.Empty<string>()), "tokens is empty");
    }

    /// <summary>Damaged numbers are not this layer's concern: they pass unchanged, whatever the format.</summary>
    [Fact]
    public void DamagedWeightsAreReadAsTheyAre()
    {
        SyntheticModel model = Small with
        {
            Dim = 256, Hidden = 256, Weights = WeightFormat.Q6_K,
            Damage = new Dictionary<string, float> { ["output.weight"] = float.NaN, ["blk.0.ffn_norm.weight"] = float.NegativeInfinity,
                ["output_norm.weight"] = 1e-40f },
        };
        using TemporaryFile file = model.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        RowTileLayout layout = source.Layout(MatrixRole.Output);
        var tiles = new byte[layout.Bytes];
        source.CopyTiles(MatrixRole.Output, 0, 0, 0, layout.Tiles, tiles);
        var row = new float[layout.Cols];
        RowTile.DequantizeRow(layout, tiles, 7, row);
        Assert.All(row, v => Assert.True(float.IsNaN(v)));
        RowTile.DequantizeRow(layout, tiles, 1, row);
        Assert.All(row, v => Assert.True(float.IsFinite(v)));
        Assert.Equal(float.NegativeInfinity, source.Norm(NormRole.FeedForward, 0)[7]);
        Assert.Equal(1e-40f, source.Norm(NormRole.Output)[14]);
    }

    private static void Refused(GgufWriter writer, string key, object value, string cause) => Refused(Add(writer, key, value), cause);

    private static GgufWriter Add(GgufWriter writer, string key, object value) => value switch
    {
        uint number => writer.Add(key, number),
        float number => writer.Add(key, number),
        bool flag => writer.Add(key, flag),
        string text => writer.Add(key, text),
        _ => throw new ArgumentOutOfRangeException(nameof(value)),
    };

    private static void Refused(GgufWriter writer, string cause)
    {
        using TemporaryFile file = TemporaryFile.With(writer.ToBytes());
        var refusal = Assert.Throws<ModelFileException>(() => ModelSource.Open(file.Path).Dispose());
        Assert.Contains(cause, refusal.Message);
    }
}
