using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Testing;

/// <summary>
/// A model whose logits an independent program computed (tools/goldens/oracle.sh): <c>Name.f32</c> holds those of the last
/// <paramref name="Rows"/> tokens, made from the same weights expanded to floats.
/// </summary>
/// <param name="Name">Name of the model and the golden.</param>
/// <param name="Model">The synthetic model; null is the model shipped with the repository.</param>
/// <param name="Tokens">The sequence.</param>
/// <param name="Rows">Rows of logits kept.</param>
public sealed record OracleCase(string Name, SyntheticModel? Model, int[] Tokens, int Rows)
{
    private static readonly SyntheticModel _small = new(), _wide = new() { Dim = 256, Heads = 8, KvHeads = 2, Hidden = 256 };

    /// <summary>File name of the shipped model.</summary>
    public const string ShippedModel = "hearth-8x1m-q4_0.gguf";

    /// <summary>All cases.</summary>
    public static IReadOnlyList<OracleCase> All { get; } =
    [
        Synthetic("f32-odd-shapes", _small with { Dim = 60, Heads = 6, Hidden = 77, Vocab = 301 }),
        Synthetic("f16", _small with { Weights = WeightFormat.F16 }),
        Synthetic("q8_0-4-experts-top-3-one-kv-head",
            _small with { Weights = WeightFormat.Q8_0, Experts = 4, TopK = 3, KvHeads = 1, Vocab = 333 }),
        Synthetic("q4_0-16-experts-top-1", _small with { Weights = WeightFormat.Q4_0, Experts = 16, TopK = 1 }),
        Synthetic("q4_k", _wide with { Weights = WeightFormat.Q4_K }),
        Synthetic("q6_k", _wide with { Weights = WeightFormat.Q6_K }),
        Synthetic("mix", _wide with
        {
            Weights = WeightFormat.Q4_K, OutputFormat = WeightFormat.Q6_K, DownFormat = WeightFormat.Q6_K,
            AttentionFormat = WeightFormat.Q8_0,
        }),
        // The formats of llama.cpp's Q4_K_M.
        Synthetic("q4_k_m", _wide with
        {
            Weights = WeightFormat.Q4_K, OutputFormat = WeightFormat.Q6_K, DownFormat = WeightFormat.Q6_K,
            AttentionFormat = WeightFormat.Q5_K,
        }),
        .. Rare(_small, WeightFormat.BF16, WeightFormat.Q4_1, WeightFormat.Q5_0, WeightFormat.Q5_1, WeightFormat.IQ4_NL),
        .. Rare(_wide, WeightFormat.Q2_K, WeightFormat.Q3_K, WeightFormat.Q5_K, WeightFormat.IQ4_XS),
        Synthetic("dense-f32-172", _small with { Experts = 0, Heads = 8, KvHeads = 4, Hidden = 172, Layers = 5 }),
        Synthetic("dense-q4_0-tied-output", _small with { Weights = WeightFormat.Q4_0, Experts = 0, TiedOutput = true }),
        Synthetic("rope-linear", _small with { RopeScaling = new(RopeScalingKind.Linear, 4), HeadDim = 32 }),
        // Pairs that keep their frequency, that are divided and between; the factor of attention besides YaRN's own.
        new("rope-yarn", _small with { RopeBase = 10000, RopeScaling = new(RopeScalingKind.Yarn, 4, 1.25f, 256), HeadDim = 64 },
            TestDevices.RandomTokens(100, 320), 24),
        Synthetic("rope-factors", _small with { Experts = 0, RopeBase = 500000, RopeFactors = true, HeadDim = 32, TiedOutput = true }),
        // Crosses a page border, a border of keys at 256 and a page border again.
        new("q4_0-long", _small with { Weights = WeightFormat.Q4_0, Seed = 2 }, TestDevices.RandomTokens(300, 320, seed: 9), 50),
        // "[INST] You are Mira, the miller of Brook. You are cheerful.\nHello, who are you? Where is the mill? [/INST] I am Mira"
        new("shipped", null,
            [1, 262, 263, 1938, 290, 317, 339, 1530, 1945, 270, 1864, 301, 1496, 1928, 290, 317, 688, 1376, 1928, 13, 1955,
                665, 1945, 434, 317,
                284, 1950, 457, 292, 270, 870, 1950, 272, 263, 1938, 280, 371, 339, 1530], 24),
    ];

    /// <summary>One model per format, a short golden each.</summary>
    private static IEnumerable<OracleCase> Rare(SyntheticModel model, params WeightFormat[] formats) =>
        formats.Select(format => new OracleCase(format.ToString().ToLowerInvariant(), model with { Weights = format, Experts = 4 },
            TestDevices.RandomTokens(16, model.Vocab), 8));

    private static OracleCase Synthetic(string name, SyntheticModel model) =>
        new(name, model, TestDevices.RandomTokens(24, model.Vocab), 24);

    /// <summary>Writes the model, or copies the shipped one from the folder it lies in, to a path.</summary>
    public void WriteModel(string shippedModels, string path)
    {
        if (Model is null) File.Copy(Path.Combine(shippedModels, ShippedModel), path);
        else Model.Write(path);
    }

    public override string ToString() => Name;
}
