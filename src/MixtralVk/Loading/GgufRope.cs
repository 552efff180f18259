using System.Runtime.InteropServices;
using MixtralVk.Model;

namespace MixtralVk.Loading;

/// <summary>
/// Reads how a file's context was extended; keys and defaults are llama.cpp's. What the engine would compute otherwise is refused.
/// </summary>
internal static class GgufRope
{
    private const string Section = "llama.rope.scaling.", FactorsTensor = "rope_freqs.weight";

    public static RopeScaling Scaling(GgufFile file, float ropeBase, int contextLength)
    {
        string type = file.Text(Section + "type") ?? "linear";
        // 0 says "not stated", and before there were types the factor had another key.
        float factor = GgufConfig.Positive(file, Section + "factor", 1, zeroIsAbsent: true);
        if (file.Number(Section + "factor") is null) factor = GgufConfig.Positive(file, "llama.rope.scale_linear", 1, zeroIsAbsent: true);
        float attention = GgufConfig.Positive(file, Section + "attn_factor", 1);
        switch (type)
        {
            case "none":
                return new RopeScaling(RopeScalingKind.None, AttentionFactor: attention);
            case "linear":
                return new RopeScaling(factor == 1 ? RopeScalingKind.None : RopeScalingKind.Linear, factor, attention);
            case "yarn":
                RefuseOther(file, "yarn_ext_factor", 1);
                RefuseOther(file, "yarn_attn_factor", 1);
                RefuseOther(file, "yarn_log_multiplier", 0);
                if (ropeBase <= 1) throw file.Error($"llama.rope.freq_base is {ropeBase}; with YaRN it must be above 1.");
                return new RopeScaling(RopeScalingKind.Yarn, factor, attention,
                    GgufConfig.Int(file, Section + "original_context_length", 1, ModelLimits.MaxContext, contextLength),
                    GgufConfig.Positive(file, Section + "yarn_beta_fast", 32), GgufConfig.Positive(file, Section + "yarn_beta_slow", 1));
            default:
                throw file.Error($"RoPE scaling of type '{type}' is not supported; none, linear and yarn are.");
        }
    }

    /// <summary>Divisors of the frequencies (Llama 3.1 and later), or none.</summary>
    public static IReadOnlyList<float> Factors(GgufFile file, int ropeDim)
    {
        if (!file.Tensors.TryGetValue(FactorsTensor, out GgufTensor? tensor)) return [];
        if (tensor.Type != GgmlType.F32 || tensor.RowCount != 1 || tensor.Dimensions[0] != ropeDim / 2)
            throw file.Error(
                $"tensor '{FactorsTensor}' is {string.Join(" x ", tensor.Dimensions)} of type {tensor.Type}; RoPE over {ropeDim} wants {ropeDim / 2} of F32.");
        float[] factors = MemoryMarshal.Cast<byte, float>(file.Rows(tensor, 0, 1)).ToArray();
        int wrong = Array.FindIndex(factors, factor => !(float.IsFinite(factor) && factor > 0));
        return wrong < 0 ? factors
            : throw file.Error($"tensor '{FactorsTensor}' has {factors[wrong]} at place {wrong}, not a finite positive number.");
    }

    private static void RefuseOther(GgufFile file, string key, double supported)
    {
        if (file.Number(Section + key) is double value && value != supported)
            throw file.Error($"{Section}{key} is {value:R}; only {supported} is supported.");
    }
}
