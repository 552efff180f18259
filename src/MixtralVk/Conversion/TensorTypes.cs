using System.Globalization;
using System.Text.RegularExpressions;
using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>
/// Which type each tensor of a file gets. The rules are those that llama.cpp's quantiser shows on models with and without 8 experts: the
/// output matrix gets Q6_K; with 8 experts keys and values are so small beside them that they get Q8_0, and the attention's output Q5_K
/// in Q4_K_M; the M mixes give the down projections (and without 8 experts the values) of some layers Q6_K. A row that is no whole number
/// of blocks of 256 takes the next larger type with blocks of 32.
/// </summary>
/// <param name="type">What was asked for.</param>
/// <param name="layers">Layers of the model.</param>
/// <param name="experts">Experts of a layer.</param>
/// <param name="tiedOutput">The embedding is the output matrix, too.</param>
/// <param name="pure">Every matrix gets the one type.</param>
internal sealed partial class TensorTypes(QuantizationType type, int layers, int experts, bool tiedOutput, bool pure)
{
    /// <summary>Number of the mix as <c>general.file_type</c> states it.</summary>
    public uint FileType => type switch
    {
        QuantizationType.F32 => 0,
        QuantizationType.F16 => 1,
        QuantizationType.BF16 => 32,
        QuantizationType.Q4_0 => 2,
        QuantizationType.Q8_0 => 7,
        QuantizationType.Q4_K_M => 15,
        QuantizationType.Q5_K_M => 17,
        QuantizationType.Q6_K => 18,
    };

    /// <summary>The type of a tensor.</summary>
    public GgmlType Of(SourceTensor tensor)
    {
        bool isMatrix = tensor.Dimensions.Count > 1 && tensor.Name.EndsWith(".weight", StringComparison.Ordinal);
        if (!isMatrix || tensor.Name.Contains("ffn_gate_inp.", StringComparison.Ordinal)
            || tensor.Name.Contains("_norm.", StringComparison.Ordinal)) return GgmlType.F32;
        GgmlType chosen = type is QuantizationType.F32 or QuantizationType.F16 or QuantizationType.BF16 || pure ? Base : Mixed(tensor.Name);
        return Fitting(chosen, tensor.Cols);
    }

    private GgmlType Base => type switch
    {
        QuantizationType.F32 => GgmlType.F32,
        QuantizationType.F16 => GgmlType.F16,
        QuantizationType.BF16 => GgmlType.BF16,
        QuantizationType.Q4_0 => GgmlType.Q4_0,
        QuantizationType.Q8_0 => GgmlType.Q8_0,
        QuantizationType.Q4_K_M => GgmlType.Q4_K,
        QuantizationType.Q5_K_M => GgmlType.Q5_K,
        QuantizationType.Q6_K => GgmlType.Q6_K,
    };

    private GgmlType Mixed(string name)
    {
        if (name == "output.weight" || tiedOutput && name == "token_embd.weight") return Base == GgmlType.Q8_0 ? Base : GgmlType.Q6_K;
        Match match = BlockName().Match(name);
        if (!match.Success || !int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int layer))
            return Base;
        bool isMedium = type is QuantizationType.Q4_K_M or QuantizationType.Q5_K_M;
        return match.Groups[2].Value switch
        {
            "attn_k" or "attn_v" when experts == 8 => GgmlType.Q8_0,
            "attn_output" when experts == 8 && type == QuantizationType.Q4_K_M => GgmlType.Q5_K,
            "attn_v" or "ffn_down" or "ffn_down_exps" when isMedium && GetsMoreBits(layer) => GgmlType.Q6_K,
            _ => Base,
        };
    }

    /// <summary>The first and the last eighth of the layers, and every third one between.</summary>
    private bool GetsMoreBits(int layer) => layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;

    private static GgmlType Fitting(GgmlType type, int cols)
    {
        if (cols % type.Block().Elements == 0) return type;
        GgmlType smaller = type switch
        {
            GgmlType.Q4_K => GgmlType.Q5_0,
            GgmlType.Q5_K => GgmlType.Q5_1,
            GgmlType.Q6_K => GgmlType.Q8_0,
            _ => GgmlType.F16,
        };
        return cols % smaller.Block().Elements == 0 ? smaller : GgmlType.F16;
    }

    [GeneratedRegex(@"^blk\.(\d+)\.([a-z_]+)[.0-9]*\.weight$", RegexOptions.CultureInvariant)]
    private static partial Regex BlockName();
}
