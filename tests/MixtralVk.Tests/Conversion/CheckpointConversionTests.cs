using System.Text.Json.Nodes;
using MixtralVk.Conversion;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Testing.Checkpoints;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Conversion;

/// <summary>A model published as Hugging Face folder, as consolidated files and as GGUF is one model.</summary>
public sealed class CheckpointConversionTests
{
    private static readonly SyntheticModel s_model = new()
        { Weights = WeightFormat.F16, Experts = 4, Dim = 64, Hidden = 96, Heads = 4, KvHeads = 2 };

    [Theory]
    [InlineData("huggingface", 1)]
    [InlineData("huggingface", 3)]
    [InlineData("consolidated", 1)]
    public void The_shipped_model_comes_back_tensor_for_tensor_and_key_for_key(string form, int shards)
    {
        using var converted = new ConvertedFile();
        string description = converted.PathOf("description.json");
        CheckpointExport.Description(ShippedModel.Path, description);
        if (form == "huggingface") CheckpointExport.HuggingFace(ShippedModel.Path, converted.Folder, "F32", shards);
        else CheckpointExport.Consolidated(ShippedModel.Path, converted.Folder);
        using GgufFile made = converted.Convert(QuantizationType.F32, description: description),
            original = GgufFile.Open(ShippedModel.Path);

        Assert.Equal(original.Metadata.Keys.Order(), made.Metadata.Keys.Order());
        foreach ((string key, GgufValue value) in original.Metadata)
        {
            if (key == "general.file_type") continue; // Q4_0 there, F32 here
            Assert.Equal((key, value.Type, value.ToString()), (key, made.Metadata[key].Type, made.Metadata[key].ToString()));
            if (value.Type == GgufValueType.Array)
                Assert.True(original.ArrayBytes(value).SequenceEqual(made.ArrayBytes(made.Metadata[key])), key);
        }
        AssertSameValues(original, made);
    }

    [Theory]
    [InlineData("huggingface", 8)]
    [InlineData("huggingface", 0)]
    [InlineData("consolidated", 8)]
    [InlineData("consolidated", 0)]
    public void Halves_come_back_bit_for_bit(string form, int experts)
    {
        SyntheticModel model = s_model with { Experts = experts };
        using var converted = new ConvertedFile();
        using TemporaryFile original = model.WriteTemporary();
        if (form == "huggingface") CheckpointExport.HuggingFace(original.Path, converted.Folder, "F16", shards: 2);
        else CheckpointExport.Consolidated(original.Path, converted.Folder, "F16");
        using GgufFile made = converted.Convert(QuantizationType.F16), wanted = GgufFile.Open(original.Path);
        AssertSameTensors(wanted, made);
        Assert.All(wanted.Metadata.Where(m => m.Key != "general.name"),
            m => Assert.Equal(m.Value.ToString(), made.Metadata[m.Key].ToString()));
        using ModelSource loads = ModelSource.Open(converted.Path);
        Assert.Equal(experts, loads.Config.ExpertCount);
    }

    /// <summary>Where a configuration leaves a number out, it is the one of that kind of model in transformers.</summary>
    [Theory]
    [InlineData("mixtral", 4, 1e-5f, 1e6f)]
    [InlineData("mistral", 0, 1e-6f, 1e4f)]
    [InlineData("llama", 0, 1e-6f, 1e4f)]
    public void Numbers_left_out_are_the_kinds_own(string kind, int experts, float epsilon, float ropeBase)
    {
        using var converted = new ConvertedFile();
        using TemporaryFile original = (s_model with { Experts = experts }).WriteTemporary();
        CheckpointExport.HuggingFace(original.Path, converted.Folder, "F16", shards: 1);
        JsonObject config = JsonNode.Parse(File.ReadAllText(converted.PathOf("config.json")))!.AsObject();
        config["model_type"] = kind;
        config.Remove("rms_norm_eps");
        config.Remove("rope_theta");
        File.WriteAllText(converted.PathOf("config.json"), config.ToJsonString());
        using GgufFile made = converted.Convert(QuantizationType.F16);
        Assert.Equal((epsilon, ropeBase),
            ((float)made.Number("llama.attention.layer_norm_rms_epsilon")!, (float)made.Number("llama.rope.freq_base")!));
    }

    [Fact]
    public void Heads_longer_than_their_share_and_tied_embeddings_come_back()
    {
        SyntheticModel model = s_model with { HeadDim = 24, TiedOutput = true };
        foreach (Action<string, string> export in (Action<string, string>[])[(gguf, to) => CheckpointExport.HuggingFace(gguf, to, "F16"),
            (gguf, to) => CheckpointExport.Consolidated(gguf, to, "F16")])
        {
            using var converted = new ConvertedFile();
            using TemporaryFile original = model.WriteTemporary();
            export(original.Path, converted.Folder);
            using GgufFile made = converted.Convert(QuantizationType.F16), wanted = GgufFile.Open(original.Path);
            AssertSameTensors(wanted, made);
            Assert.Equal(24, made.Integer("llama.attention.key_length"));
        }
    }

    [Fact]
    public void Brain_floats_stay_exact_in_bf16_and_f32()
    {
        using var converted = new ConvertedFile();
        using TemporaryFile original = s_model.WriteTemporary();
        CheckpointExport.HuggingFace(original.Path, converted.Folder, "BF16");
        float[] wide, narrow;
        using (GgufFile made = converted.Convert(QuantizationType.F32)) wide = Values(made, "blk.1.ffn_down_exps.weight");
        using (GgufFile made = converted.Convert(QuantizationType.BF16))
        {
            GgufTensor tensor = made.Tensors["blk.1.ffn_down_exps.weight"];
            Assert.Equal(GgmlType.BF16, tensor.Type);
            narrow = [.. made.Rows(tensor, 0, (int)tensor.RowCount).ToArray().Chunk(2)
                .Select(b => BitConverter.UInt32BitsToSingle((uint)(b[0] << 16 | b[1] << 24)))];
        }
        Assert.Equal(wide, narrow);
        Assert.All(wide, value => Assert.Equal(0u, BitConverter.SingleToUInt32Bits(value) & 0xFFFF));
    }

    /// <summary>
    /// The classic converter bug. Here nothing is undone: random query and key rows, scores by the definition of half-split RoPE (column i
    /// turns with i + d / 2) over the checkpoint, and by that of interleaved RoPE (2i with 2i + 1) over the converted file.
    /// </summary>
    [Fact]
    public void Attention_scores_of_a_hugging_face_model_are_those_of_the_converted_file()
    {
        SyntheticModel model = s_model with { Weights = WeightFormat.F32, Layers = 1 };
        using var converted = new ConvertedFile();
        using TemporaryFile original = model.WriteTemporary();
        CheckpointExport.HuggingFace(original.Path, converted.Folder);
        int d = model.HeadDim, dim = model.Dim;
        float[] query = Random(7, d * model.Heads * dim), key = Random(8, d * model.KvHeads * dim);
        Replace(converted.PathOf("model.safetensors"), "model.layers.0.self_attn.q_proj.weight", query);
        Replace(converted.PathOf("model.safetensors"), "model.layers.0.self_attn.k_proj.weight", key);
        using GgufFile made = converted.Convert(QuantizationType.F32);
        float[] madeQuery = Values(made, "blk.0.attn_q.weight"), madeKey = Values(made, "blk.0.attn_k.weight");
        Assert.NotEqual(query, madeQuery);
        float[] x = Random(9, dim), y = Random(10, dim);
        double largestDifference = 0, unpermuted = 0;
        for (int head = 0; head < model.Heads; head++)
        {
            int kvHead = head / (model.Heads / model.KvHeads);
            double wanted = Score(query, key, HalfSplit);
            largestDifference = Math.Max(largestDifference, Math.Abs(wanted - Score(madeQuery, madeKey, Interleaved)) / Math.Abs(wanted));
            unpermuted = Math.Max(unpermuted, Math.Abs(wanted - Score(query, key, Interleaved)) / Math.Abs(wanted));

            double Score(float[] q, float[] k, Func<double[], int, double[]> rope)
            {
                double[] turned = rope(Product(q, head, x), 13), other = rope(Product(k, kvHead, y), 4);
                return turned.Zip(other, (a, b) => a * b).Sum();
            }
        }
        Assert.True(largestDifference < 1e-12, $"scores differ by {largestDifference:R}");
        Assert.True(unpermuted > 0.01, $"rows in the wrong order went unnoticed ({unpermuted:R})");

        double[] Product(float[] matrix, int head, float[] input) =>
            [.. Enumerable.Range(head * d, d)
                .Select(row => Enumerable.Range(0, dim).Sum(col => (double)matrix[row * dim + col] * input[col]))];

        double[] HalfSplit(double[] v, int position) => Turn(v, position, pair => (pair, pair + d / 2));
        double[] Interleaved(double[] v, int position) => Turn(v, position, pair => (2 * pair, 2 * pair + 1));

        double[] Turn(double[] v, int position, Func<int, (int, int)> columns)
        {
            double[] turned = new double[d];
            for (int pair = 0; pair < d / 2; pair++)
            {
                (int a, int b) = columns(pair);
                double angle = position * Math.Pow(model.RopeBase, -2.0 * pair / d);
                turned[a] = v[a] * Math.Cos(angle) - v[b] * Math.Sin(angle);
                turned[b] = v[a] * Math.Sin(angle) + v[b] * Math.Cos(angle);
            }
            return turned;
        }
    }

    [Fact]
    public void A_tokenizer_json_gives_the_same_vocabulary()
    {
        using var converted = new ConvertedFile();
        CheckpointExport.HuggingFace(ShippedModel.Path, converted.Folder, tokenizerJson: true);
        using GgufFile made = converted.Convert(QuantizationType.Q8_0), original = GgufFile.Open(ShippedModel.Path);
        foreach ((string key, GgufValue value) in original.Metadata.Where(m => m.Key.StartsWith("tokenizer.", StringComparison.Ordinal)))
        {
            Assert.Equal(value.ToString(), made.Metadata[key].ToString());
            if (value.Type == GgufValueType.Array)
                Assert.True(original.ArrayBytes(value).SequenceEqual(made.ArrayBytes(made.Metadata[key])), key);
        }
    }

    [Fact]
    public void Rope_scaling_and_a_sliding_window_reach_the_file()
    {
        using var converted = new ConvertedFile();
        using TemporaryFile original = s_model.WriteTemporary();
        CheckpointExport.HuggingFace(original.Path, converted.Folder);
        Change(converted.PathOf("config.json"), config =>
        {
            config["rope_scaling"] =
                new JsonObject { ["rope_type"] = "yarn", ["factor"] = 4.0, ["original_max_position_embeddings"] = 256, ["beta_fast"] = 30 };
            config["sliding_window"] = 128;
        });
        converted.Convert(QuantizationType.F16).Dispose();
        using ModelSource source = ModelSource.Open(converted.Path);
        Assert.Equal(new RopeScaling(RopeScalingKind.Yarn, 4, OriginalContext: 256, BetaFast: 30), source.Config.RopeScaling);
        Assert.Equal(128, source.Config.ContextLength);
    }

    [Fact]
    public void Added_tokens_follow_on_the_vocabulary_and_the_rest_is_padded()
    {
        SyntheticModel model = s_model with { Vocab = 304 };
        using var converted = new ConvertedFile();
        using TemporaryFile original = model.WriteTemporary(), smaller = (s_model with { Vocab = 300 }).WriteTemporary();
        CheckpointExport.HuggingFace(smaller.Path, converted.Folder); // for its tokenizer of 300
        byte[] tokenizer = File.ReadAllBytes(converted.PathOf("tokenizer.model"));
        CheckpointExport.HuggingFace(original.Path, converted.Folder);
        File.WriteAllBytes(converted.PathOf("tokenizer.model"), tokenizer);
        File.WriteAllText(converted.PathOf("added_tokens.json"), """{"<|im_start|>": 301, "<|im_end|>": 300}""");
        Change(converted.PathOf("tokenizer_config.json"), config =>
        {
            config["added_tokens_decoder"] = new JsonObject { ["300"] = new JsonObject { ["content"] = "<|im_end|>", ["special"] = true } };
            config["eos_token"] = new JsonObject { ["content"] = "<|im_end|>" };
            config["chat_template"] = new JsonArray(
                new JsonObject { ["name"] = "tool_use", ["template"] = "no" },
                new JsonObject { ["name"] = "default", ["template"] = "yes" });
        });
        using GgufFile made = converted.Convert(QuantizationType.F16);
        Assert.Equal(["<|im_end|>", "<|im_start|>", "[PAD302]", "[PAD303]"], made.Strings("tokenizer.ggml.tokens")![300..]);
        Assert.Equal([3, 4, 5, 5], made.Integers("tokenizer.ggml.token_type")![300..]);
        Assert.Equal(300, made.Integer("tokenizer.ggml.eos_token_id"));
        Assert.Equal("yes", made.Text("tokenizer.chat_template"));
    }

    private static void AssertSameTensors(GgufFile wanted, GgufFile made)
    {
        Assert.Equal(wanted.Tensors.Keys.Order(), made.Tensors.Keys.Order());
        foreach (GgufTensor tensor in wanted.Tensors.Values)
        {
            GgufTensor other = made.Tensors[tensor.Name];
            Assert.Equal(tensor.Dimensions, other.Dimensions);
            Assert.Equal((tensor.Name, tensor.Type), (tensor.Name, other.Type));
            Assert.True(wanted.Rows(tensor, 0, (int)tensor.RowCount).SequenceEqual(made.Rows(other, 0, (int)other.RowCount)), tensor.Name);
        }
    }

    private static void AssertSameValues(GgufFile wanted, GgufFile made)
    {
        Assert.Equal(wanted.Tensors.Keys.Order(), made.Tensors.Keys.Order());
        foreach (GgufTensor tensor in wanted.Tensors.Values)
        {
            Assert.Equal(tensor.Dimensions, made.Tensors[tensor.Name].Dimensions);
            Assert.True(Values(wanted, tensor.Name).AsSpan().SequenceEqual(Values(made, tensor.Name)), tensor.Name);
        }
    }

    private static float[] Values(GgufFile file, string name)
    {
        GgufTensor tensor = file.Tensors[name];
        var values = new float[tensor.Dimensions.Aggregate(1L, (product, size) => product * size)];
        new GgufSourceTensor(file, tensor).ReadRows(0, (int)tensor.RowCount, values);
        return values;
    }

    /// <summary>Overwrites the values of an F32 tensor of a safetensors file.</summary>
    private static void Replace(string path, string name, float[] values)
    {
        long offset;
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            Assert.Equal(values.Length * sizeof(float), file.Tensors[name].Bytes);
            offset = file.Tensors[name].Offset;
        }
        byte[] content = File.ReadAllBytes(path);
        Buffer.BlockCopy(values, 0, content, (int)offset, values.Length * sizeof(float));
        File.WriteAllBytes(path, content);
    }

    private static void Change(string path, Action<JsonObject> change)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }

    private static float[] Random(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1)];
    }
}
