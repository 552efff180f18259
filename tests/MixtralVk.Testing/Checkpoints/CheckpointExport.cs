using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MixtralVk.Conversion;
using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Testing.Checkpoints;

/// <summary>
/// Writes a model of a GGUF file the way its makers would publish it: as a Hugging Face folder or as Mistral's consolidated one. What a
/// converter must make of the folder is then known: the file it came from.
/// </summary>
public sealed class CheckpointExport
{
    private readonly GgufFile _file;
    private readonly ModelSource _source;
    private readonly ModelConfig _config;
    private readonly string _folder, _type;

    private CheckpointExport(GgufFile file, ModelSource source, string folder, string type) =>
        (_file, _source, _config, _folder, _type) = (file, source, source.Config, folder, type);

    /// <summary>
    /// Hugging Face: <paramref name="shards"/> files (one has no index), <c>config.json</c>, query and key rows in half-split order.
    /// </summary>
    public static void HuggingFace(string gguf, string folder, string type = "F32", int shards = 1, bool tokenizerJson = false) =>
        Export(gguf, folder, type, export => export.WriteHuggingFace(shards, tokenizerJson));

    /// <summary>Mistral: <c>consolidated.safetensors</c>, <c>params.json</c>, rows as in the GGUF file.</summary>
    public static void Consolidated(string gguf, string folder, string type = "F32") =>
        Export(gguf, folder, type, export => export.WriteConsolidated());

    /// <summary>Values of the file's <c>general.*</c> keys that no checkpoint states, for <c>--metadata</c>.</summary>
    public static void Description(string gguf, string path)
    {
        using GgufFile file = GgufFile.Open(gguf);
        var json = new JsonObject();
        foreach ((string key, GgufValue value) in file.Metadata)
        {
            if (!key.StartsWith("general.", StringComparison.Ordinal) || key == "general.architecture") continue;
            if (value.Text is not null) json[key] = value.Text;
            else if (value.Type == GgufValueType.Array)
                json[key] = new JsonArray([.. file.Strings(key)!.Select(text => JsonValue.Create(text))]);
        }
        File.WriteAllText(path, json.ToJsonString());
    }

    private static void Export(string gguf, string folder, string type, Action<CheckpointExport> write)
    {
        Directory.CreateDirectory(folder);
        using GgufFile file = GgufFile.Open(gguf);
        using ModelSource source = ModelSource.Open(gguf);
        write(new CheckpointExport(file, source, folder, type));
    }

    private void WriteHuggingFace(int shards, bool tokenizerJson)
    {
        const string layer = "model.layers.{0}.", moe = layer + "block_sparse_moe.";
        var writers = Enumerable.Range(0, shards).Select(_ => new SafetensorsWriter()).ToArray();
        int next = 0;
        Write("token_embd", "model.embed_tokens");
        for (int i = 0; i < _config.LayerCount; i++)
        {
            Write("blk.{0}.attn_norm", layer + "input_layernorm", i);
            Write("blk.{0}.attn_q", layer + "self_attn.q_proj", i, HalfSplit);
            Write("blk.{0}.attn_k", layer + "self_attn.k_proj", i, HalfSplit);
            Write("blk.{0}.attn_v", layer + "self_attn.v_proj", i);
            Write("blk.{0}.attn_output", layer + "self_attn.o_proj", i);
            Write("blk.{0}.ffn_norm", layer + "post_attention_layernorm", i);
            if (_config.IsSparse) Write("blk.{0}.ffn_gate_inp", moe + "gate", i);
            Write("blk.{0}.ffn_gate", _config.IsSparse ? moe + "experts.{1}.w1" : layer + "mlp.gate_proj", i);
            Write("blk.{0}.ffn_up", _config.IsSparse ? moe + "experts.{1}.w3" : layer + "mlp.up_proj", i);
            Write("blk.{0}.ffn_down", _config.IsSparse ? moe + "experts.{1}.w2" : layer + "mlp.down_proj", i);
        }
        Write("output_norm", "model.norm");
        if (!_source.OutputIsEmbedding) Write("output", "lm_head");
        SaveShards(writers);
        Save("config.json", HuggingFaceConfig());
        if (tokenizerJson) Save("tokenizer.json", TokenizerJson());
        else SaveTokenizerModel();
        SaveTokenizerConfig();

        void Write(string name, string target, int layerIndex = 0, Func<float[], float[]>? rows = null) =>
            AddTo(() => writers[next++ % shards], name, target, layerIndex, rows);
    }

    private void WriteConsolidated()
    {
        const string layer = "layers.{0}.", experts = layer + "feed_forward.experts.{1}.", dense = layer + "feed_forward.";
        var writer = new SafetensorsWriter();
        Write("token_embd", "tok_embeddings");
        for (int i = 0; i < _config.LayerCount; i++)
        {
            foreach ((string name, string target) in (ReadOnlySpan<(string, string)>)[("attn_norm", "attention_norm"),
                ("attn_q", "attention.wq"),
                ("attn_k", "attention.wk"), ("attn_v", "attention.wv"), ("attn_output", "attention.wo"), ("ffn_norm", "ffn_norm")])
                Write("blk.{0}." + name, layer + target, i);
            if (_config.IsSparse) Write("blk.{0}.ffn_gate_inp", dense + "gate", i);
            Write("blk.{0}.ffn_gate", (_config.IsSparse ? experts : dense) + "w1", i);
            Write("blk.{0}.ffn_up", (_config.IsSparse ? experts : dense) + "w3", i);
            Write("blk.{0}.ffn_down", (_config.IsSparse ? experts : dense) + "w2", i);
        }
        Write("output_norm", "norm");
        if (!_source.OutputIsEmbedding) Write("output", "output");
        File.WriteAllBytes(Path.Combine(_folder, "consolidated.safetensors"), writer.ToBytes());
        var parameters = new JsonObject
        {
            ["dim"] = _config.Dim, ["n_layers"] = _config.LayerCount, ["head_dim"] = _config.HeadDim, ["hidden_dim"] = _config.HiddenDim,
            ["n_heads"] = _config.HeadCount, ["n_kv_heads"] = _config.KvHeadCount, ["norm_eps"] = _config.RmsEpsilon,
            ["rope_theta"] = _config.RopeBase,
            ["vocab_size"] = _config.VocabSize, ["max_position_embeddings"] = _config.ContextLength,
            ["tied_embeddings"] = _source.OutputIsEmbedding,
        };
        if (_config.IsSparse)
            parameters["moe"] = new JsonObject { ["num_experts"] = _config.ExpertCount, ["num_experts_per_tok"] = _config.ExpertsPerToken };
        Save("params.json", parameters);
        SaveTokenizerModel();
        SaveTokenizerConfig();

        void Write(string name, string target, int layerIndex = 0) => AddTo(() => writer, name, target, layerIndex, null);
    }

    /// <summary>Adds a tensor, or one per expert of a merged one. Norms and routers, which are F32 in the GGUF file, stay F32.</summary>
    private void AddTo(Func<SafetensorsWriter> writer, string name, string target, int layer, Func<float[], float[]>? rearrange)
    {
        string found = string.Format(CultureInfo.InvariantCulture, name, layer);
        bool isMerged = !_file.Tensors.TryGetValue(found + ".weight", out GgufTensor? tensor);
        tensor ??= _file.Tensors[found + "_exps.weight"];
        var values = new float[tensor.Dimensions.Aggregate(1L, (product, size) => product * size)];
        new GgufSourceTensor(_file, tensor).ReadRows(0, (int)tensor.RowCount, values);
        bool isSmall = tensor.Dimensions.Count == 1 || name.EndsWith("gate_inp", StringComparison.Ordinal);
        int matrices = isMerged ? _config.ExpertCount : 1, each = values.Length / matrices;
        long[] shape = [.. tensor.Dimensions.Take(2).Reverse()];
        for (int matrix = 0; matrix < matrices; matrix++)
        {
            float[] part = values[(matrix * each)..((matrix + 1) * each)];
            string fullName = string.Format(CultureInfo.InvariantCulture, target, layer, matrix) + ".weight";
            writer().AddFloats(fullName, isSmall ? "F32" : _type, shape, rearrange is null ? part : rearrange(part));
        }
    }

    /// <summary>In a head of d rows, GGUF's pair of rows 2i and 2i + 1 becomes the rows i and i + d / 2.</summary>
    private float[] HalfSplit(float[] interleaved)
    {
        int cols = _config.Dim, d = _config.HeadDim;
        var halfSplit = new float[interleaved.Length];
        for (int head = 0; head < interleaved.Length / cols / d; head++)
        {
            for (int i = 0; i < d / 2; i++)
            {
                Row(interleaved, head * d + 2 * i).CopyTo(Row(halfSplit, head * d + i));
                Row(interleaved, head * d + 2 * i + 1).CopyTo(Row(halfSplit, head * d + i + d / 2));
            }
        }
        return halfSplit;

        Span<float> Row(float[] matrix, int row) => matrix.AsSpan(row * cols, cols);
    }

    private void SaveShards(SafetensorsWriter[] writers)
    {
        if (writers.Length == 1)
        {
            File.WriteAllBytes(Path.Combine(_folder, "model.safetensors"), writers[0].ToBytes());
            return;
        }
        var map = new JsonObject();
        for (int i = 0; i < writers.Length; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{writers.Length:D5}.safetensors");
            File.WriteAllBytes(Path.Combine(_folder, name), writers[i].ToBytes());
            foreach (string tensor in writers[i].Names) map[tensor] = name;
        }
        Save("model.safetensors.index.json", new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = 0 }, ["weight_map"] = map });
    }

    private JsonObject HuggingFaceConfig()
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(_config.IsSparse ? "MixtralForCausalLM" : "MistralForCausalLM"),
            ["model_type"] = _config.IsSparse ? "mixtral" : "mistral",
            ["hidden_act"] = "silu", ["hidden_size"] = _config.Dim, ["intermediate_size"] = _config.HiddenDim,
            ["num_hidden_layers"] = _config.LayerCount,
            ["num_attention_heads"] = _config.HeadCount, ["num_key_value_heads"] = _config.KvHeadCount,
            ["max_position_embeddings"] = _config.ContextLength,
            ["rms_norm_eps"] = _config.RmsEpsilon, ["rope_theta"] = _config.RopeBase, ["vocab_size"] = _config.VocabSize,
            ["sliding_window"] = null,
            ["tie_word_embeddings"] = _source.OutputIsEmbedding, ["torch_dtype"] = "bfloat16",
        };
        if (_config.HeadDim * _config.HeadCount != _config.Dim) config["head_dim"] = _config.HeadDim;
        if (_config.IsSparse) (config["num_local_experts"], config["num_experts_per_tok"]) = (_config.ExpertCount, _config.ExpertsPerToken);
        return config;
    }

    private void SaveTokenizerModel()
    {
        var v = _source.Vocabulary;
        File.WriteAllBytes(Path.Combine(_folder, "tokenizer.model"),
            SentencePieceWriter.Write(v.Tokens, v.Scores, [.. v.Types.Select(type => (int)type)], v.Bos, v.Eos,
                v.Unknown, v.AddSpacePrefix));
    }

    private void SaveTokenizerConfig()
    {
        var v = _source.Vocabulary;
        var config = new JsonObject { ["add_bos_token"] = v.AddBos, ["add_eos_token"] = v.AddEos, ["bos_token"] = v.Tokens[v.Bos],
            ["eos_token"] = v.Tokens[v.Eos] };
        if (v.ChatTemplate is not null) config["chat_template"] = v.ChatTemplate;
        Save("tokenizer_config.json", config);
    }

    /// <summary>
    /// The form of Hugging Face tokenizers: of every piece that two pieces make, all the ways to make it, best piece first.
    /// </summary>
    private JsonObject TokenizerJson()
    {
        var v = _source.Vocabulary;
        var vocab = new JsonObject();
        var added = new JsonArray();
        var merges = new JsonArray();
        for (int id = 0; id < v.Tokens.Length; id++)
        {
            vocab[v.Tokens[id]] = id;
            if ((int)v.Types[id] is 2 or 3) added.Add(new JsonObject { ["id"] = id, ["content"] = v.Tokens[id], ["special"] = true });
        }
        foreach (int id in Enumerable.Range(0, v.Tokens.Length).Where(id => (int)v.Types[id] == 1).OrderByDescending(id => v.Scores[id]))
        {
            string piece = v.Tokens[id];
            for (int cut = 1; cut < piece.Length; cut++)
                if (vocab.ContainsKey(piece[..cut]) && vocab.ContainsKey(piece[cut..])) merges.Add($"{piece[..cut]} {piece[cut..]}");
        }
        return new JsonObject
        {
            ["version"] = "1.0", ["added_tokens"] = added,
            ["normalizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["normalizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Prepend", ["prepend"] = "\u2581" },
                    new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = " " }, ["content"] = "\u2581" }),
            },
            ["model"] = new JsonObject { ["type"] = "BPE", ["byte_fallback"] = true, ["unk_token"] = "<unk>", ["vocab"] = vocab,
                ["merges"] = merges },
        };
    }

    private void Save(string name, JsonObject json) =>
        File.WriteAllText(Path.Combine(_folder, name), json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
}
