using System.Text.Json;
using MixtralVk.Model;

namespace MixtralVk.Conversion;

/// <summary>
/// Sizes of a checkpoint's model, from <c>config.json</c> (Hugging Face) or <c>params.json</c> (Mistral). Settings that would change what
/// the model computes and that a GGUF file of this architecture cannot say are refused.
/// </summary>
/// <param name="Model">The sizes.</param>
/// <param name="Names">How the tensors are called.</param>
/// <param name="IsHalfSplit">Query and key rows are in the half-split RoPE order.</param>
/// <param name="TiedOutput">There need not be an output matrix.</param>
/// <param name="SlidingWindow">Tokens attention sees; 0 for all.</param>
internal sealed record CheckpointConfig(ModelConfig Model, TensorNames Names, bool IsHalfSplit, bool TiedOutput, int SlidingWindow)
{
    private const int MaxBytes = 1 << 22, MaxLayers = 1024, MaxDim = 1 << 17, MaxHeads = 4096, MaxHeadDim = 4096, MaxHidden = 1 << 20,
        MaxExperts = 1024, MaxVocab = 1 << 22, MaxContext = 1 << 26;

    /// <summary>Reads <c>config.json</c>.</summary>
    public static CheckpointConfig ReadHuggingFace(string path, string name)
    {
        using JsonFile file = JsonFile.Open(path, MaxBytes);
        string kind = file.Text("model_type") ?? throw file.Error("'model_type' is missing.");
        if (kind is not ("mixtral" or "mistral" or "llama"))
            throw file.Error($"the model is a '{kind}'; only mixtral, mistral and llama can be converted.");
        string activation = file.Text("hidden_act") ?? "silu";
        if (activation != "silu") throw file.Error($"hidden_act is '{activation}'; only silu is supported.");
        foreach (string bias in (ReadOnlySpan<string>)["attention_bias", "mlp_bias"])
            if (file.Flag(bias) == true) throw file.Error($"'{bias}' is true; biases are not supported.");

        int experts = kind == "mixtral" ? Int(file, file.Root, "num_local_experts", MaxExperts) : 0;
        // transformers 5 moved RoPE's settings into an object of their own.
        JsonElement rope = file.Find("rope_parameters") ?? file.Root;
        double ropeBase = file.Number(rope, "rope_theta") ?? (kind == "mixtral" ? 1e6 : 10000);
        int context = Int(file, file.Root, "max_position_embeddings", MaxContext);
        ModelConfig model =
            Sizes(file, name, "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "intermediate_size") with
        {
            ExpertCount = experts,
            ExpertsPerToken = experts == 0 ? 0 : Int(file, file.Root, "num_experts_per_tok", experts),
            ContextLength = context,
            RopeBase = Positive(file, "rope_theta", ropeBase),
            RopeScaling = HuggingFaceScaling(file, file.Find("rope_scaling") ?? file.Find("rope_parameters"), context),
            RmsEpsilon = Positive(file, "rms_norm_eps", file.Number("rms_norm_eps") ?? (kind == "mixtral" ? 1e-5 : 1e-6)),
        };
        long window = kind == "llama" || file.Flag("use_sliding_window") == false ? 0 : file.Integer("sliding_window") ?? 0;
        return new CheckpointConfig(model, TensorNames.HuggingFace, IsHalfSplit: true, file.Flag("tie_word_embeddings") == true,
            (int)Math.Clamp(window, 0, MaxContext));
    }

    /// <summary>Reads <c>params.json</c>.</summary>
    public static CheckpointConfig ReadConsolidated(string path, string name)
    {
        using JsonFile file = JsonFile.Open(path, MaxBytes);
        foreach (string scaling in (ReadOnlySpan<string>)["yarn", "llama_4_scaling"])
            if (file.Find(scaling) is not null) throw file.Error($"'{scaling}' is not supported in this form; take the Hugging Face one.");
        if (file.Flag("use_biases") == true) throw file.Error("'use_biases' is true; biases are not supported.");
        JsonElement? moe = file.Find("moe");
        int experts = moe is { } sparse ? Int(file, sparse, "num_experts", MaxExperts) : 0;
        long window = file.Integer("sliding_window") ?? 0;
        ModelConfig model = Sizes(file, name, "dim", "n_layers", "n_heads", "n_kv_heads", "hidden_dim") with
        {
            ExpertCount = experts,
            ExpertsPerToken = moe is { } routed ? Int(file, routed, "num_experts_per_tok", experts) : 0,
            ContextLength = (int)Math.Clamp(file.Integer("max_position_embeddings") ?? file.Integer("max_seq_len") ?? 32768, 1, MaxContext),
            // Mistral's reference code: models with a sliding window are those of the older base.
            RopeBase = Positive(file, "rope_theta", file.Number("rope_theta") ?? (window > 0 ? 10000 : 1e6)),
            RmsEpsilon = Positive(file, "norm_eps", file.Number("norm_eps") ?? throw file.Error("'norm_eps' is missing.")),
        };
        return new CheckpointConfig(model, TensorNames.Consolidated, IsHalfSplit: false, file.Flag("tied_embeddings") == true,
            (int)Math.Clamp(window, 0, MaxContext));
    }

    private static ModelConfig Sizes(JsonFile file, string name, string dimKey, string layersKey, string headsKey,
        string kvHeadsKey, string hiddenKey)
    {
        int dim = Int(file, file.Root, dimKey, MaxDim), heads = Int(file, file.Root, headsKey, MaxHeads);
        int kvHeads = file.Find(kvHeadsKey) is null ? heads : Int(file, file.Root, kvHeadsKey, MaxHeads);
        if (heads % kvHeads != 0) throw file.Error($"{headsKey} {heads} is not a multiple of {kvHeadsKey} {kvHeads}.");
        int headDim = file.Find("head_dim") is null ? dim / heads : Int(file, file.Root, "head_dim", MaxHeadDim);
        if (headDim < 2 || headDim % 2 != 0 || headDim > MaxHeadDim)
            throw file.Error($"heads of length {headDim}; even lengths from 2 to {MaxHeadDim} are supported.");
        return new ModelConfig
        {
            Name = name,
            LayerCount = Int(file, file.Root, layersKey, MaxLayers),
            Dim = dim,
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadDim = headDim,
            HiddenDim = Int(file, file.Root, hiddenKey, MaxHidden),
            ExpertCount = 0,
            ExpertsPerToken = 0,
            VocabSize = Int(file, file.Root, "vocab_size", MaxVocab),
            ContextLength = 1,
            RopeBase = 1,
            RopeDim = headDim,
            RmsEpsilon = 1,
        };
    }

    private static RopeScaling HuggingFaceScaling(JsonFile file, JsonElement? stated, int context)
    {
        if (stated is not { } rope) return RopeScaling.None;
        string kind = file.Text(rope, "rope_type") ?? file.Text(rope, "type") ?? "default";
        if (kind == "default") return RopeScaling.None;
        float factor = Positive(file, "factor", file.Number(rope, "factor") ?? throw file.Error("RoPE scaling has no 'factor'."));
        if (kind == "linear") return new RopeScaling(RopeScalingKind.Linear, factor);
        if (kind != "yarn") throw file.Error($"RoPE scaling of kind '{kind}' is not supported; linear and yarn are.");
        foreach (string key in (ReadOnlySpan<string>)["attention_factor", "mscale", "mscale_all_dim"])
            if (file.Find(rope, key) is not null) throw file.Error($"RoPE scaling has '{key}', which is not supported.");
        int original = file.Find(rope, "original_max_position_embeddings") is null
            ? context : Int(file, rope, "original_max_position_embeddings", MaxContext);
        return new RopeScaling(RopeScalingKind.Yarn, factor, OriginalContext: original,
            BetaFast: Positive(file, "beta_fast", file.Number(rope, "beta_fast") ?? 32),
            BetaSlow: Positive(file, "beta_slow", file.Number(rope, "beta_slow") ?? 1));
    }

    private static int Int(JsonFile file, JsonElement parent, string key, int most)
    {
        long value = file.Integer(parent, key) ?? throw file.Error($"'{key}' is missing.");
        return value >= 1 && value <= most ? (int)value : throw file.Error($"'{key}' is {value}; 1 to {most} is supported.");
    }

    private static float Positive(JsonFile file, string key, double value)
    {
        float rounded = (float)value;
        return float.IsFinite(rounded) && rounded > 0 ? rounded : throw file.Error($"'{key}' is {value:R}, not a finite positive number.");
    }
}
