using System.Text.Json.Nodes;
using MixtralVk.Conversion;
using MixtralVk.Loading;
using MixtralVk.Quantization;
using MixtralVk.Testing.Checkpoints;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Conversion;

/// <summary>
/// Folders that are damaged, hostile or of another kind: one typed exception that names the file and what is wrong in it.
/// </summary>
public sealed class HostileCheckpointTests
{
    private static readonly SyntheticModel s_model = new()
        { Weights = WeightFormat.F16, Experts = 2, Dim = 64, Hidden = 64, Layers = 1, Vocab = 300 };

    public static TheoryData<string, string, string> BadConfigs => new()
    {
        { "model_type", "\"gpt2\"", "gpt2" },
        { "model_type", "null", "model_type" },
        { "hidden_act", "\"gelu\"", "gelu" },
        { "attention_bias", "true", "attention_bias" },
        { "hidden_size", "0", "hidden_size" },
        { "hidden_size", "-64", "hidden_size" },
        { "hidden_size", "1e300", "hidden_size" },
        { "hidden_size", "\"64\"", "hidden_size" },
        { "hidden_size", "128", "shape" },
        { "vocab_size", "4000000", "shape" },
        { "vocab_size", "5000000", "vocab_size" },
        { "num_hidden_layers", "2", "'model.layers.1.input_layernorm.weight' is missing" },
        { "num_hidden_layers", "100000", "num_hidden_layers" },
        { "num_attention_heads", "3", "multiple" },
        { "num_key_value_heads", "1", "shape" },
        { "head_dim", "3", "even" },
        { "num_local_experts", "3", "shape" },
        { "num_local_experts", "1", "num_experts_per_tok" },
        { "num_experts_per_tok", "3", "num_experts_per_tok" },
        { "intermediate_size", "65", "shape" },
        { "rope_theta", "0", "rope_theta" },
        { "rms_norm_eps", "-1", "rms_norm_eps" },
        { "rope_scaling", "{\"rope_type\":\"llama3\",\"factor\":8}", "llama3" },
        { "rope_scaling", "{\"type\":\"linear\"}", "factor" },
        { "rope_scaling", "[1]", "rope_type" },
        { "max_position_embeddings", "null", "max_position_embeddings" },
    };

    [Theory, MemberData(nameof(BadConfigs))]
    public void A_bad_config_is_refused(string key, string value, string reason) => AssertRefused(
        folder => Change(folder, "config.json", config => config[key] = JsonNode.Parse(value)), reason);

    /// <summary>Mistral's own form.</summary>
    [Theory]
    [InlineData("yarn", "{\"factor\":16,\"original_max_position_embeddings\":16384}", "yarn")]
    [InlineData("llama_4_scaling", "{\"beta\":0.1}", "llama_4_scaling")]
    [InlineData("use_biases", "true", "use_biases")]
    [InlineData("moe", "{\"num_experts\":2,\"num_experts_per_tok\":3}", "num_experts_per_tok")]
    [InlineData("norm_eps", "null", "norm_eps")]
    public void A_bad_consolidated_config_is_refused(string key, string value, string reason)
    {
        using var folder = new ConvertedFile();
        using (TemporaryFile model = s_model.WriteTemporary()) CheckpointExport.Consolidated(model.Path, folder.Folder, "F16");
        Change(folder.Folder, "params.json", config => config[key] = JsonNode.Parse(value));
        Assert.Contains(reason, Refused(folder.Folder).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string> BadFiles => new()
    {
        { "config.json", "", "JSON" },
        { "config.json", "[]", "not a JSON object" },
        { "config.json", "{\"a\":" + new string('[', 5000) + new string(']', 5000) + "}", "JSON" },
        { "tokenizer_config.json", "{\"added_tokens_decoder\":{\"x\":{}}}", "'x'" },
        { "tokenizer_config.json", "{\"added_tokens_decoder\":{\"900\":{\"content\":\"a\"}}}", "900" },
        { "tokenizer_config.json", "{\"added_tokens_decoder\":{\"5\":{\"content\":\"other\"}}}", "other" },
        { "tokenizer_config.json", "{\"added_tokens_decoder\":{\"300\":{\"content\":\"one too many\"}}}", "301 tokens" },
        { "tokenizer_config.json", "{\"bos_token\":\"<nothing>\"}", "<nothing>" },
        { "tokenizer_config.json", "{\"chat_template\":5}", "chat_template" },
        { "added_tokens.json", "{\"a\":\"b\"}", "'a'" },
        { "model.safetensors.index.json", "{\"weight_map\":{\"a\":\"../../etc/passwd\"}}", "not a file beside it" },
        { "model.safetensors.index.json", "{\"weight_map\":{\"a\":\"..\"}}", "not a file beside it" },
        { "model.safetensors.index.json", "{\"weight_map\":{\"a\":\"model-00002-of-00002.safetensors\"}}",
            "model-00002-of-00002.safetensors is missing" },
        { "model.safetensors.index.json", "{\"weight_map\":{\"a\":\"model.safetensors\"}}", "'a' is not in" },
        { "model.safetensors.index.json", "{\"weight_map\":[]}", "weight_map" },
        { "tokenizer.model", "no tokenizer", "SentencePiece" },
    };

    [Theory, MemberData(nameof(BadFiles))]
    public void A_bad_file_is_refused(string name, string content, string reason) =>
        AssertRefused(folder => File.WriteAllText(Path.Combine(folder, name), content), reason, name);

    public static TheoryData<string, string> BadTokenizers => new()
    {
        { """{"model":{"type":"Unigram"}}""", "Unigram" },
        { """{"model":{"type":"BPE","byte_fallback":false,"vocab":{"a":0}}}""", "byte-level" },
        { """{"model":{"type":"BPE","byte_fallback":true,"vocab":{}}}""", "empty" },
        { """{"model":{"type":"BPE","byte_fallback":true,"vocab":{"a":1}}}""", "none with id 0" },
        { """{"model":{"type":"BPE","byte_fallback":true,"vocab":{"a":0,"b":0}}}""", "both" },
        { """{"model":{"type":"BPE","byte_fallback":true,"vocab":{"a":2000000000}}}""", "id" },
        { """{"model":{"type":"BPE","byte_fallback":true,"vocab":{"a":-1}}}""", "id" },
        { """{"model":{"type":"BPE","byte_fallback":true,"vocab":{"a":0,"b":1},"merges":["a b"]}}""", "'ab'" },
        { """{"model":{"type":"BPE","byte_fallback":true,"vocab":{"a":0},"merges":["a"]}}""", "pair" },
        { """{"model":{"type":"BPE","byte_fallback":true,"vocab":{"a":0},"merges":[["a"]]}}""", "pairs" },
        { """{"model":{"type":"BPE","byte_fallback":true,"vocab":{"a":0},"merges":[""]}}""", "pair" },
        { """{"model":{"type":"BPE","byte_fallback":true,"vocab":[1]}}""", "vocab" },
        { """{"added_tokens":[{"content":"x"}],"model":{"type":"BPE","byte_fallback":true,"vocab":{"a":0}}}""", "no id" },
        { "{}", "no 'model'" },
    };

    [Theory, MemberData(nameof(BadTokenizers))]
    public void A_bad_tokenizer_json_is_refused(string json, string reason) => AssertRefused(
        folder =>
        {
            File.Delete(Path.Combine(folder, "tokenizer.model"));
            File.WriteAllText(Path.Combine(folder, "tokenizer.json"), json);
        },
        reason, "tokenizer.json");

    [Fact]
    public void Tensors_too_few_too_many_or_of_a_wrong_type_are_refused()
    {
        AssertRefused(folder => Rename(folder, "model.norm.weight", "model.nrom.weight"), "'model.norm.weight' is missing");
        AssertRefused(folder => AddShard(folder, "model.layers.0.self_attn.q_proj.bias", "F32"),
            "'model.layers.0.self_attn.q_proj.bias' is not part");
        AssertRefused(folder => Rename(folder, "\"dtype\":\"F16\"", "\"dtype\":\"I16\""), "dtype I16");
    }

    [Fact]
    public void A_table_that_follows_from_the_sizes_is_passed()
    {
        using ConvertedFile folder = Exported();
        AddShard(folder.Folder, "model.layers.0.self_attn.rotary_emb.inv_freq", "F32");
        folder.Convert(QuantizationType.F16).Dispose();
    }

    [Fact]
    public void A_missing_expert_is_named() =>
        AssertRefused(folder => Rename(folder, "experts.1.w2.weight", "experts.7.w2.weight"),
            "'model.layers.0.block_sparse_moe.experts.1.w2.weight' is missing");

    [Fact]
    public void A_tensor_in_two_shards_is_refused() => AssertRefused(
        folder =>
        {
            File.Move(Path.Combine(folder, "model.safetensors"), Path.Combine(folder, "model-1.safetensors"));
            File.Copy(Path.Combine(folder, "model-1.safetensors"), Path.Combine(folder, "model-2.safetensors"));
        },
        "is also in model-1.safetensors");

    [Theory]
    [InlineData("pytorch_model.bin", "pickles")]
    [InlineData("consolidated.00.pth", "pickles")]
    [InlineData("model.safetensors", "neither config.json")]
    [InlineData("readme.txt", "neither model*.safetensors")]
    public void A_folder_without_a_model_says_what_is_missing(string file, string reason)
    {
        using var folder = new ConvertedFile();
        File.WriteAllText(folder.PathOf(file), "");
        Assert.Contains(reason, Refused(folder.Folder).Message);
    }

    [Fact]
    public void No_tokenizer_a_tekken_tokenizer_no_folder()
    {
        AssertRefused(folder => File.Delete(Path.Combine(folder, "tokenizer.model")), "neither tokenizer.model");
        AssertRefused(
            folder =>
            {
                File.Delete(Path.Combine(folder, "tokenizer.model"));
                File.WriteAllText(Path.Combine(folder, "tekken.json"), "{}");
            },
            "tekken");
        Assert.Contains("does not exist", Refused(Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString())).Message);
        using TemporaryFile file = TemporaryFile.With([1]);
        Assert.Contains("not a folder", Refused(file.Path).Message);
    }

    [Fact]
    public void A_shard_that_ends_early_is_refused_before_anything_is_written()
    {
        using ConvertedFile folder = Exported();
        using (FileStream shard = File.OpenWrite(folder.PathOf("model.safetensors"))) shard.SetLength(shard.Length - 10);
        Assert.Contains("truncated", Refused(folder.Folder).Message);
    }

    [Fact]
    public void A_description_may_not_set_what_the_converter_knows()
    {
        using ConvertedFile folder = Exported();
        File.WriteAllText(folder.PathOf("d.json"), """{"general.architecture":"x"}""");
        Assert.Contains("general.architecture",
            Assert.Throws<ModelFileException>(() => folder.Convert(QuantizationType.F16, description: folder.PathOf("d.json"))).Message);
        File.WriteAllText(folder.PathOf("d.json"), """{"llama.block_count":"x"}""");
        Assert.Contains("llama.block_count",
            Assert.Throws<ModelFileException>(() => folder.Convert(QuantizationType.F16, description: folder.PathOf("d.json"))).Message);
    }

    private static ConvertedFile Exported()
    {
        var folder = new ConvertedFile();
        using TemporaryFile model = s_model.WriteTemporary();
        CheckpointExport.HuggingFace(model.Path, folder.Folder, "F16");
        return folder;
    }

    private static void AssertRefused(Action<string> damage, string reason, string? file = null)
    {
        using ConvertedFile folder = Exported();
        damage(folder.Folder);
        ModelFileException e = Refused(folder.Folder);
        Assert.Contains(reason, e.Message);
        if (file is not null && !reason.Contains("301 tokens", StringComparison.Ordinal)) Assert.Equal(file, Path.GetFileName(e.Path));
        Assert.StartsWith(folder.Folder, e.Path, StringComparison.Ordinal);
    }

    private static ModelFileException Refused(string folder) =>
        Assert.Throws<ModelFileException>(() => ModelConversion.OpenCheckpoint(folder, QuantizationType.F16).Dispose());

    private static void Change(string folder, string name, Action<JsonObject> change)
    {
        string path = Path.Combine(folder, name);
        JsonObject json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }

    /// <summary>Replaces a text of the header by one of the same length, once.</summary>
    private static void Rename(string folder, string from, string to)
    {
        Assert.Equal(from.Length, to.Length);
        string path = Path.Combine(folder, "model.safetensors");
        byte[] file = File.ReadAllBytes(path);
        int at = file.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(from));
        Assert.True(at > 0);
        System.Text.Encoding.ASCII.GetBytes(to).CopyTo(file, at);
        File.WriteAllBytes(path, file);
    }

    private static void AddShard(string folder, string tensor, string type)
    {
        File.Move(Path.Combine(folder, "model.safetensors"), Path.Combine(folder, "model-1.safetensors"));
        File.WriteAllBytes(Path.Combine(folder, "model-2.safetensors"),
            new SafetensorsWriter().AddFloats(tensor, type, [2], [1, 2]).ToBytes());
    }
}
