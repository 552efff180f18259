using MixtralVk.Model;
using static MixtralVk.Model.ModelLimits;

namespace MixtralVk.Loading;

/// <summary>
/// Reads the sizes of a model of architecture <c>llama</c> (Llama, Mistral, Mixtral) from GGUF metadata. Each has a bound far above any
/// real model and low enough that no product of them overflows; what would change the result and is not supported yet is refused.
/// </summary>
internal static class GgufConfig
{
    public static ModelConfig Read(GgufFile file, int vocabSize)
    {
        string architecture = file.Text("general.architecture") ?? throw file.Error("general.architecture is missing.");
        if (architecture != "llama")
            throw file.Error($"the architecture '{architecture}' is not supported; only 'llama' (Llama, Mistral, Mixtral) is.");
        RefuseUnsupported(file);

        int dim = Int(file, "llama.embedding_length", 1, MaxDim);
        int heads = Int(file, "llama.attention.head_count", 1, MaxHeads);
        int kvHeads = Int(file, "llama.attention.head_count_kv", 1, MaxHeads, heads);
        if (heads % kvHeads != 0) throw file.Error($"llama.attention.head_count {heads} is not a multiple of head_count_kv {kvHeads}.");
        int headDim = HeadDim(file, dim, heads);
        int ropeDim = Int(file, "llama.rope.dimension_count", 2, headDim, headDim);
        if (headDim % 2 != 0 || ropeDim % 2 != 0) throw file.Error($"heads of {headDim} with RoPE over {ropeDim}; both must be even.");
        if ((long)heads * headDim > MaxHidden) throw file.Error($"{heads} heads of {headDim} are more than {MaxHidden} together.");
        int experts = Int(file, "llama.expert_count", 0, MaxExperts, 0);
        int context = Int(file, "llama.context_length", 1, MaxContext);
        float ropeBase = Positive(file, "llama.rope.freq_base", 10000);

        return new ModelConfig
        {
            Name = file.Text("general.name") ?? "",
            LayerCount = Int(file, "llama.block_count", 1, MaxLayers),
            Dim = dim,
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadDim = headDim,
            HiddenDim = Int(file, "llama.feed_forward_length", 1, MaxHidden),
            ExpertCount = experts,
            ExpertsPerToken = experts == 0 ? 0 : Int(file, "llama.expert_used_count", 1, experts),
            VocabSize = vocabSize,
            ContextLength = (int)Math.Min(context, Window(file)),
            RopeBase = ropeBase,
            RopeDim = ropeDim,
            RopeScaling = GgufRope.Scaling(file, ropeBase, context),
            RopeFactors = GgufRope.Factors(file, ropeDim),
            RmsEpsilon = Positive(file, "llama.attention.layer_norm_rms_epsilon", null),
        };
    }

    private static int HeadDim(GgufFile file, int dim, int heads)
    {
        if (file.Integer("llama.attention.key_length") is null)
        {
            if (dim % heads != 0) throw file.Error($"llama.embedding_length {dim} is not a multiple of head_count {heads}.");
            if (file.Integer("llama.attention.value_length") is long valueOnly && valueOnly != dim / heads)
                throw file.Error($"llama.attention.value_length {valueOnly} differs from the keys' {dim / heads}, which is not supported.");
            if (dim / heads is < 2 or > MaxHeadDim) throw file.Error($"heads of length {dim / heads}; 2 to {MaxHeadDim} are supported.");
            return dim / heads;
        }
        int keyLength = Int(file, "llama.attention.key_length", 2, MaxHeadDim);
        int valueLength = Int(file, "llama.attention.value_length", 2, MaxHeadDim, keyLength);
        return keyLength == valueLength ? keyLength
            : throw file.Error($"llama.attention.key_length {keyLength} differs from value_length {valueLength}, which is not supported.");
    }

    /// <summary>Settings that change what the model computes and that the engine does not implement.</summary>
    private static void RefuseUnsupported(GgufFile file)
    {
        if (file.Integer("general.quantization_version") is long version && version != 2)
            throw file.Error($"general.quantization_version is {version}; only 2 is supported.");

        if (file.Flag("llama.attention.causal") == false) throw file.Error("attention that is not causal is not supported.");
        if (file.Integer("llama.expert_gating_func") is long gating && gating is not (0 or 1))
            throw file.Error($"expert routing other than softmax (llama.expert_gating_func {gating}) is not supported.");
        if (file.Number("llama.expert_weights_scale") is double scale && scale is not (0 or 1))
            throw file.Error("llama.expert_weights_scale is not supported.");
        if (file.Integer("llama.expert_shared_count") is > 0) throw file.Error("shared experts are not supported.");
        if (file.Integer("llama.expert_group_count") is > 1) throw file.Error("groups of experts are not supported.");
    }

    /// <summary>
    /// Tokens that attention sees (Mistral 7B v0.1: 4096). The engine attends to everything, which is the same up to that length, so longer
    /// contexts are not offered.
    /// </summary>
    private static long Window(GgufFile file) =>
        file.Integer("llama.attention.sliding_window") is long window && window > 0 ? window : long.MaxValue;

    /// <summary>An integer within bounds.</summary>
    public static int Int(GgufFile file, string key, int least, int most, int? absent = null)
    {
        long value = file.Integer(key) ?? absent ?? throw file.Error($"{key} is missing.");
        return value >= least && value <= most ? (int)value : throw file.Error($"{key} is {value}; {least} to {most} is supported.");
    }

    /// <summary>A finite positive number.</summary>
    public static float Positive(GgufFile file, string key, float? absent, bool zeroIsAbsent = false)
    {
        double value = file.Number(key) ?? absent ?? throw file.Error($"{key} is missing.");
        if (zeroIsAbsent && value == 0 && absent is float otherwise) return otherwise;
        float rounded = (float)value;
        return float.IsFinite(rounded) && rounded > 0 ? rounded : throw file.Error($"{key} is {value:R}, not a finite positive number.");
    }
}
