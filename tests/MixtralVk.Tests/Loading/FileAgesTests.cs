using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Loading;

/// <summary>Files of different ages and makers that mean the same model.</summary>
[Collection(VulkanCollection.Name)]
public sealed class FileAgesTests
{
    private static readonly SyntheticModel Model = new() { Weights = WeightFormat.Q4_0, Experts = 4, TopK = 2 };

    public static TheoryData<string> Devices => [.. TestDevices.Exact];

    [Theory, MemberData(nameof(Devices))]
    public void OneTensorPerExpertGivesTheLogitsOfMergedExperts(string device) =>
        Assert.Equal(Logits(device, Model.ToWriter()), Logits(device, (Model with { SeparateExperts = true }).ToWriter()));

    /// <summary>Some files of December 2023 have experts of different types in one layer.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void ExpertsOfOneLayerMayDifferInType(string device)
    {
        using TemporaryFile file = ExpertsOfTwoFormats();
        using (ModelSource source = ModelSource.Open(file.Path))
        {
            Assert.Equal(WeightFormat.F32, source.Layout(MatrixRole.DownProj, 0, 1).Format);
            Assert.Equal(WeightFormat.Q4_0, source.Layout(MatrixRole.DownProj, 0, 0).Format);
        }
        using ForwardPass pass = TestDevices.Open(device, file.Path);
        float[] expected = ReferenceModels.Open(file.Path).Logits(Tokens);
        var comparison = new LogitsComparison(expected, TestDevices.AllLogits(pass, Tokens), Model.Vocab,
            LogitsComparison.NearTies(ReferenceModels.Open(file.Path), Tokens));
        Assert.Null(comparison.Problem(5e-3));
    }

    [Fact]
    public void MissingExpertIsNamed()
    {
        using TemporaryFile file =
            TemporaryFile.With((Model with { SeparateExperts = true }).ToWriter().RemoveTensor("blk.1.ffn_up.3.weight").ToBytes());
        Assert.Contains("tensor 'blk.1.ffn_up.3.weight' is missing",
            Assert.Throws<ModelFileException>(() => ModelSource.Open(file.Path).Dispose()).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RowsBeyondTheLastTokenAreNotUsed(bool tied)
    {
        SyntheticModel padded = Model with { Vocab = 333, TiedOutput = tied };
        GgufWriter writer = padded.ToWriter().Remove("tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type");
        float[] all = Logits("cpu", padded.ToWriter()),
            fewer = Logits("cpu", writer.Add("tokenizer.ggml.tokens", [.. Enumerable.Range(0, 320).Select(i => $"t{i}")]));
        Assert.Equal(Tokens.Length * 320, fewer.Length);
        for (int row = 0; row < Tokens.Length; row++)
            Assert.Equal(all.AsSpan(row * 333, 320), fewer.AsSpan(row * 320, 320));
    }

    [Theory]
    [InlineData(32000)]
    [InlineData(32002)]
    [InlineData(32768)]
    public void VocabulariesOfAnySize(int size)
    {
        using TemporaryFile file =
            new SyntheticModel { Layers = 1, Dim = 32, Heads = 2, KvHeads = 1, Hidden = 32, Experts = 2, Vocab = size }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        Assert.Equal((size, size), (source.Config.VocabSize, source.Layout(MatrixRole.Output).Rows));
    }

    /// <summary>Mistral 7B v0.1: the engine attends to everything, which is the same up to the window.</summary>
    [Theory]
    [InlineData(512u, 512)]
    [InlineData(4096u, 1024)]
    [InlineData(0u, 1024)]
    public void ContextEndsAtTheSlidingWindow(uint window, int context)
    {
        using TemporaryFile file = TemporaryFile.With(Model.ToWriter().Add("llama.attention.sliding_window", window).ToBytes());
        using ModelSource source = ModelSource.Open(file.Path);
        Assert.Equal(context, source.Config.ContextLength);
    }

    [Fact]
    public void RopeKeysAreRead()
    {
        RopeScaling yarn = new(RopeScalingKind.Yarn, 4, 1.25f, 256, 16, 2);
        Assert.Equal(yarn, ScalingOf((Model with { RopeScaling = yarn }).ToWriter()));
        Assert.Equal(new RopeScaling(RopeScalingKind.Linear, 8), ScalingOf(Model.ToWriter().Add("llama.rope.scale_linear", 8f)));
        Assert.Equal(new RopeScaling(RopeScalingKind.Linear, 2),
            ScalingOf(Model.ToWriter().Add("llama.rope.scaling.factor", 2f).Add("llama.rope.scale_linear", 8f)));
        Assert.Equal(new RopeScaling(RopeScalingKind.Yarn, 4, 1, 1024),
            ScalingOf(Model.ToWriter().Add("llama.rope.scaling.type", "yarn").Add("llama.rope.scaling.factor", 4f)));
        Assert.Equal(RopeScaling.None,
            ScalingOf(Model.ToWriter().Add("llama.rope.scaling.type", "none").Add("llama.rope.scaling.factor", 4f)));
        using TemporaryFile file = (Model with { RopeFactors = true }).WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        Assert.Equal([1, 1.5f, 2, 2.5f, 3, 3.5f, 4, 4.5f], source.Config.RopeFactors);
    }

    [Fact]
    public void RopeFactorsOfAnotherLengthAreRefused()
    {
        using TemporaryFile file =
            TemporaryFile.With(Model.ToWriter().AddTensor("rope_freqs.weight", GgmlType.F32, [16], new byte[64]).ToBytes());
        Assert.Contains("wants 8 of F32", Assert.Throws<ModelFileException>(() => ModelSource.Open(file.Path).Dispose()).Message);
    }

    /// <summary>Two layers of four experts in Q4_0, one matrix of an expert of each in F32.</summary>
    internal static TemporaryFile ExpertsOfTwoFormats()
    {
        SyntheticModel coarse = Model with { SeparateExperts = true }, fine = coarse with { Weights = WeightFormat.F32 };
        string[] exchanged = ["blk.0.ffn_down.1.weight", "blk.1.ffn_gate.2.weight"];
        using TemporaryFile fineFile = fine.WriteTemporary();
        using GgufFile fineTensors = GgufFile.Open(fineFile.Path);
        GgufWriter mixed = coarse.ToWriter();
        foreach (string name in exchanged)
        {
            GgufTensor tensor = fineTensors.Tensors[name];
            mixed.RemoveTensor(name)
                .AddTensor(name, tensor.Type, [.. tensor.Dimensions], fineTensors.Rows(tensor, 0, (int)tensor.RowCount).ToArray());
        }
        return TemporaryFile.With(mixed.ToBytes());
    }

    private static int[] Tokens { get; } = TestDevices.RandomTokens(24, 320);

    private static RopeScaling ScalingOf(GgufWriter writer)
    {
        using TemporaryFile file = TemporaryFile.With(writer.ToBytes());
        using ModelSource source = ModelSource.Open(file.Path);
        return source.Config.RopeScaling;
    }

    private static float[] Logits(string device, GgufWriter writer)
    {
        using TemporaryFile file = TemporaryFile.With(writer.ToBytes());
        using ForwardPass pass = TestDevices.Open(device, file.Path);
        return TestDevices.AllLogits(pass, Tokens);
    }
}
