using System.Text.Json;
using MixtralVk.Model;
using MixtralVk.Tokenization;

namespace MixtralVk.Conversion;

/// <summary>The metadata of a converted file: what llama.cpp and this engine need of the sizes and the vocabulary.</summary>
internal static class CheckpointMetadata
{
    private const int MaxBytes = 1 << 20;
    private static readonly string[] s_own =
        ["general.architecture", "general.file_type", "general.quantization_version", "general.alignment"];

    /// <summary>
    /// Makes the metadata; <paramref name="descriptionPath"/> is a JSON file with further <c>general.*</c> values, or null.
    /// </summary>
    public static GgufMetadata Of(Checkpoint checkpoint, uint fileType, string? descriptionPath)
    {
        ModelConfig model = checkpoint.Config.Model;
        var metadata = new GgufMetadata()
            .Add("general.architecture", "llama").Add("general.type", "model").Add("general.name", model.Name);
        if (descriptionPath is not null) AddDescription(metadata, descriptionPath);
        metadata.Add("general.file_type", fileType).Add("general.quantization_version", 2u).Add("general.alignment", 32u);
        AddSizes(metadata, model, checkpoint.Config.SlidingWindow);
        AddVocabulary(metadata, checkpoint.Vocabulary);
        return metadata;
    }

    private static void AddSizes(GgufMetadata metadata, ModelConfig model, int slidingWindow)
    {
        metadata.Add("llama.vocab_size", (uint)model.VocabSize).Add("llama.context_length", (uint)model.ContextLength)
            .Add("llama.embedding_length", (uint)model.Dim).Add("llama.block_count", (uint)model.LayerCount)
            .Add("llama.feed_forward_length", (uint)model.HiddenDim).Add("llama.rope.dimension_count", (uint)model.RopeDim)
            .Add("llama.rope.freq_base", model.RopeBase).Add("llama.attention.head_count", (uint)model.HeadCount)
            .Add("llama.attention.head_count_kv", (uint)model.KvHeadCount).Add("llama.attention.layer_norm_rms_epsilon", model.RmsEpsilon);
        if (model.HeadDim * model.HeadCount != model.Dim)
            metadata.Add("llama.attention.key_length", (uint)model.HeadDim).Add("llama.attention.value_length", (uint)model.HeadDim);
        if (model.IsSparse)
            metadata.Add("llama.expert_count", (uint)model.ExpertCount).Add("llama.expert_used_count", (uint)model.ExpertsPerToken);
        if (slidingWindow > 0) metadata.Add("llama.attention.sliding_window", (uint)slidingWindow);
        RopeScaling scaling = model.RopeScaling;
        if (scaling.Kind == RopeScalingKind.None) return;
        metadata.Add("llama.rope.scaling.type", scaling.Kind == RopeScalingKind.Linear ? "linear" : "yarn")
            .Add("llama.rope.scaling.factor", scaling.Factor);
        if (scaling.Kind != RopeScalingKind.Yarn) return;
        metadata.Add("llama.rope.scaling.original_context_length", (uint)scaling.OriginalContext)
            .Add("llama.rope.scaling.yarn_beta_fast", scaling.BetaFast).Add("llama.rope.scaling.yarn_beta_slow", scaling.BetaSlow);
    }

    private static void AddVocabulary(GgufMetadata metadata, VocabularyData vocabulary)
    {
        metadata.Add("tokenizer.ggml.model", vocabulary.Model).Add("tokenizer.ggml.pre", "default")
            .Add("tokenizer.ggml.tokens", vocabulary.Tokens).Add("tokenizer.ggml.scores", vocabulary.Scores)
            .Add("tokenizer.ggml.token_type", (int[])[.. vocabulary.Types.Select(type => (int)type)]);
        if (vocabulary.Bos >= 0) metadata.Add("tokenizer.ggml.bos_token_id", (uint)vocabulary.Bos);
        if (vocabulary.Eos >= 0) metadata.Add("tokenizer.ggml.eos_token_id", (uint)vocabulary.Eos);
        if (vocabulary.Unknown >= 0) metadata.Add("tokenizer.ggml.unknown_token_id", (uint)vocabulary.Unknown);
        metadata.Add("tokenizer.ggml.add_bos_token", vocabulary.AddBos).Add("tokenizer.ggml.add_eos_token", vocabulary.AddEos)
            .Add("tokenizer.ggml.add_space_prefix", vocabulary.AddSpacePrefix);
        if (vocabulary.ChatTemplate is not null) metadata.Add("tokenizer.chat_template", vocabulary.ChatTemplate);
    }

    /// <summary>Author, licence, languages …: texts, truth values, lists of texts, by their GGUF keys.</summary>
    private static void AddDescription(GgufMetadata metadata, string path)
    {
        using JsonFile file = JsonFile.Open(path, MaxBytes);
        foreach ((string key, JsonElement value) in file.MembersOf(file.Root, "the file"))
        {
            if (!key.StartsWith("general.", StringComparison.Ordinal) || s_own.Contains(key))
                throw file.Error($"'{key}' cannot be set; other keys that begin with 'general.' can.");
            metadata.Remove(key);
            if (value.ValueKind == JsonValueKind.Array)
                metadata.Add(key, (string[])[.. value.EnumerateArray().Select(element => file.TextOf(element, key))]);
            else if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) metadata.Add(key, value.GetBoolean());
            else metadata.Add(key, file.TextOf(value, key, "a text, true or false, or a list of texts"));
        }
    }
}
