using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Model;

/// <summary>Small models of every kind the engine must run, by name, so that theories can list them.</summary>
internal static class TestShapes
{
    private static readonly SyntheticModel _plain = new(), _wide = new() { Dim = 256, Heads = 8, Hidden = 256, Experts = 4 };

    public static readonly IReadOnlyDictionary<string, SyntheticModel> All = new Dictionary<string, SyntheticModel>
    {
        ["f32, odd lengths"] = _plain with { Dim = 60, Heads = 6, Hidden = 77, Vocab = 301 },
        ["f16, part of the head rotated"] = _plain with { Weights = WeightFormat.F16, HeadDim = 24, RopeDim = 8, Vocab = 129 },
        ["q8_0, 4 experts, top-3, one KV head"] = _plain with { Weights = WeightFormat.Q8_0, Experts = 4, TopK = 3, KvHeads = 1 },
        ["q4_0, 16 experts, top-1"] = _plain with { Weights = WeightFormat.Q4_0, Experts = 16, TopK = 1 },
        ["q4_k, q5_k and q6_k"] = _wide with
        {
            Weights = WeightFormat.Q4_K, AttentionFormat = WeightFormat.Q5_K, DownFormat = WeightFormat.Q6_K,
            OutputFormat = WeightFormat.Q6_K,
        },
        ["a format for every matrix, router and norms in 16 bits"] = _wide with
        {
            EmbeddingFormat = WeightFormat.Q2_K, AttentionFormat = WeightFormat.Q3_K, GateUpFormat = WeightFormat.Q4_1,
            UpFormat = WeightFormat.Q5_1,
            DownFormat = WeightFormat.IQ4_XS, OutputFormat = WeightFormat.IQ4_NL, RouterFormat = WeightFormat.BF16,
            NormFormat = WeightFormat.F16,
        },
        ["q5_0, norms in bf16, router in q8_0"] =
            _plain with { Weights = WeightFormat.Q5_0, NormFormat = WeightFormat.BF16, RouterFormat = WeightFormat.Q8_0 },
        ["gate and up of different formats"] = _plain with { GateUpFormat = WeightFormat.Q8_0, UpFormat = WeightFormat.Q4_0, Experts = 3 },
        ["dense, tied output"] = _plain with { Weights = WeightFormat.Q4_0, Experts = 0, TiedOutput = true },
    };

    public static TheoryData<string> Names() => [.. All.Keys];
}
