using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Loading;

public sealed class GgufModelSourceTests
{
    private static readonly SyntheticModel Odd = new()
    {
        Layers = 2, Dim = 172, Heads = 4, KvHeads = 1, HeadDim = 30, Hidden = 86, Experts = 3, TopK = 2, Vocab = 333,
        RopeDim = 20, RopeBase = 5000,
    };

    [Fact]
    public void ConfigIsTheFiles()
    {
        using TemporaryFile file = Odd.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        ModelConfig expected = new()
        {
            Name = "synthetic", LayerCount = 2, Dim = 172, HeadCount = 4, KvHeadCount = 1, HeadDim = 30, HiddenDim = 86, ExpertCount = 3,
            ExpertsPerToken = 2, VocabSize = 333, ContextLength = 1024, RopeBase = 5000, RopeDim = 20, RmsEpsilon = 1e-5f,
        };
        Assert.Equal(expected, source.Config);
    }

    [Fact]
    public void MissingOptionalKeysHaveTheFieldsDefaults()
    {
        SyntheticModel model = new() { Experts = 0, KvHeads = 4 };
        var writer = Without(model, "llama.rope.freq_base", "llama.attention.head_count_kv", "llama.rope.dimension_count",
            "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.add_bos_token",
            "tokenizer.ggml.add_eos_token", "tokenizer.ggml.scores", "tokenizer.ggml.token_type");
        using TemporaryFile file = TemporaryFile.With(writer);
        using ModelSource source = ModelSource.Open(file.Path);
        Assert.Equal(10000, source.Config.RopeBase);
        Assert.Equal(4, source.Config.KvHeadCount);
        Assert.Equal(16, source.Config.RopeDim);
        VocabularyData v = source.Vocabulary;
        Assert.Equal((1, 2, 0, -1, true, false, true), (v.Bos, v.Eos, v.Unknown, v.EndOfTurn, v.AddBos, v.AddEos, v.AddSpacePrefix));
        Assert.All(v.Scores, s => Assert.Equal(0, s));
        Assert.All(v.Types, t => Assert.Equal(TokenType.Normal, t));
    }

    [Fact]
    public void VocabularyIsTheFiles()
    {
        var writer = new SyntheticModel { Vocab = 400 }.ToWriter()
            .Add("tokenizer.chat_template", "{{ bos_token }}").Add("tokenizer.ggml.eot_token_id", 7u)
            .Add("tokenizer.ggml.add_space_prefix", false);
        using TemporaryFile file = TemporaryFile.With(writer.ToBytes());
        using ModelSource source = ModelSource.Open(file.Path);
        VocabularyData v = source.Vocabulary;
        Assert.Equal(("llama", 400, 400, 400), (v.Model, v.Tokens.Length, v.Scores.Length, v.Types.Length));
        Assert.Equal(("<unk>", "<0x00>", "\u2581"), (v.Tokens[0], v.Tokens[3], v.Tokens[259]));
        Assert.Equal((TokenType.Unknown, TokenType.Control, TokenType.Byte, TokenType.Normal),
            (v.Types[0], v.Types[1], v.Types[3], v.Types[259]));
        Assert.Equal(-300, v.Scores[300]);
        Assert.Equal((7, false, "{{ bos_token }}"), (v.EndOfTurn, v.AddSpacePrefix, v.ChatTemplate));
    }

    /// <summary>Every matrix, each expert by its own tile, against the floats the file was made from.</summary>
    [Theory]
    [InlineData(WeightFormat.F32, 0)]
    [InlineData(WeightFormat.F16, 2e-3)]
    [InlineData(WeightFormat.Q8_0, 0.03)]
    [InlineData(WeightFormat.Q4_0, 0.45)]
    [InlineData(WeightFormat.Q4_K, 0.3)]
    [InlineData(WeightFormat.Q5_K, 0.15)]
    [InlineData(WeightFormat.Q6_K, 0.12)]
    [InlineData(WeightFormat.BF16, 1.5e-2)]
    [InlineData(WeightFormat.Q4_1, 0.3)]
    [InlineData(WeightFormat.Q5_0, 0.2)]
    [InlineData(WeightFormat.Q5_1, 0.15)]
    [InlineData(WeightFormat.Q2_K, 1.1)]
    [InlineData(WeightFormat.Q3_K, 0.8)]
    [InlineData(WeightFormat.IQ4_NL, 0.4)]
    [InlineData(WeightFormat.IQ4_XS, 0.4)]
    public void MatricesHoldTheFilesValues(WeightFormat format, double bound)
    {
        SyntheticModel model = format switch
        {
            WeightFormat.F32 or WeightFormat.F16 or WeightFormat.BF16 =>
                Odd with { Weights = format, RouterFormat = format, NormFormat = format },
            _ => new SyntheticModel { Dim = 256, HeadDim = 64, Hidden = 512, Experts = 3, Vocab = 300, Weights = format,
                RouterFormat = format },
        };
        using TemporaryFile file = model.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        double normBound = format == WeightFormat.BF16 ? bound : 1e-3;
        Check(MatrixRole.TokenEmbedding, "token_embd.weight", 0, 0);
        Check(MatrixRole.Output, "output.weight", 0, 0);
        for (int layer = 0; layer < model.Layers; layer++)
        {
            string p = $"blk.{layer}.";
            Check(MatrixRole.Query, p + "attn_q.weight", layer, 0);
            Check(MatrixRole.Key, p + "attn_k.weight", layer, 0);
            Check(MatrixRole.Value, p + "attn_v.weight", layer, 0);
            Check(MatrixRole.AttentionOutput, p + "attn_output.weight", layer, 0);
            for (int expert = 0; expert < model.Experts; expert++)
            {
                Check(MatrixRole.GateProj, p + "ffn_gate_exps.weight", layer, expert);
                Check(MatrixRole.UpProj, p + "ffn_up_exps.weight", layer, expert);
                Check(MatrixRole.DownProj, p + "ffn_down_exps.weight", layer, expert);
            }
            Close(model.Values(p + "attn_norm.weight"), source.Norm(NormRole.Attention, layer), normBound);
            Close(model.Values(p + "ffn_norm.weight"), source.Norm(NormRole.FeedForward, layer), normBound);
            Close(model.Values(p + "ffn_gate_inp.weight"), source.Router(layer), bound);
        }
        Close(model.Values("output_norm.weight"), source.Norm(NormRole.Output), normBound);

        void Check(MatrixRole role, string name, int layer, int expert)
        {
            RowTileLayout layout = source.Layout(role, layer, expert);
            Assert.Equal(format, layout.Format);
            int size = layout.Rows * layout.Cols;
            Close(model.Values(name).AsSpan(expert * size, size), Read(source, role, layer, expert), bound);
        }
    }

    [Fact]
    public void TilesAreTheSameWhicheverRangeIsCopied()
    {
        using TemporaryFile file = Odd.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        RowTileLayout layout = source.Layout(MatrixRole.TokenEmbedding);
        var whole = new byte[layout.Bytes];
        source.CopyTiles(MatrixRole.TokenEmbedding, 0, 0, 0, layout.Tiles, whole);
        var parts = new byte[layout.Bytes];
        Array.Fill(parts, (byte)0xAA);
        for (int tile = 0; tile < layout.Tiles; tile++)
            source.CopyTiles(MatrixRole.TokenEmbedding, 0, 0, tile, 1, parts.AsSpan((int)(tile * layout.TileBytes), (int)layout.TileBytes));
        Assert.Equal(whole, parts);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            source.CopyTiles(MatrixRole.TokenEmbedding, 0, 0, layout.Tiles, 1, new byte[layout.TileBytes]));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Layout(MatrixRole.Query, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Layout(MatrixRole.GateProj, 0, 3));
    }

    [Fact]
    public void MissingOutputMatrixIsTheEmbedding()
    {
        SyntheticModel model = new() { TiedOutput = true, Experts = 1, TopK = 1 };
        using TemporaryFile file = model.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        Assert.True(source.OutputIsEmbedding);
        Assert.Equal(model.Values("token_embd.weight"), Read(source, MatrixRole.Output, 0, 0));
        Assert.Equal(Sum(source), source.Describe().WeightBytes + source.Layout(MatrixRole.Output).Bytes);
    }

    [Fact]
    public void SummaryCountsTypesAndBytes()
    {
        SyntheticModel model = new()
            { Dim = 256, Heads = 4, Hidden = 512, Experts = 4, TopK = 3, Weights = WeightFormat.Q4_0, DownFormat = WeightFormat.Q6_K };
        using TemporaryFile file = model.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        ModelSummary summary = source.Describe();
        Assert.Equal("llama", summary.Architecture);
        Assert.Equal(new FileInfo(file.Path).Length, summary.FileBytes);
        Assert.Equal(new TensorTypeCount("Q6_K", 2, 2 * 4 * 256 * 2 * 210), summary.Types.Single(t => t.Type == "Q6_K"));
        Assert.Equal(["Q4_0", "Q6_K", "F32"], summary.Types.Select(t => t.Type));
        Assert.Equal(Sum(source), summary.WeightBytes);
        long expert = source.Layout(MatrixRole.GateProj).Bytes + source.Layout(MatrixRole.UpProj).Bytes
            + source.Layout(MatrixRole.DownProj).Bytes;
        Assert.Equal(2 * 4 * expert, summary.ExpertBytes);
        Assert.Equal(summary.WeightBytes - source.Layout(MatrixRole.TokenEmbedding).Bytes - 2 * expert, summary.BytesPerToken);
    }

    [Fact]
    public void DenseModelHasNoRouter()
    {
        using TemporaryFile file = new SyntheticModel { Experts = 0 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        Assert.False(source.Config.IsSparse);
        Assert.Equal(96, source.Layout(MatrixRole.GateProj, 1).Rows);
        Assert.Throws<InvalidOperationException>(() => source.Router(0));
        Assert.Equal(0, source.Describe().ExpertBytes);
    }

    private static byte[] Without(SyntheticModel model, params string[] keys) => model.ToWriter().Remove(keys).ToBytes();

    private static long Sum(ModelSource source)
    {
        ModelConfig c = source.Config;
        long bytes = source.Layout(MatrixRole.TokenEmbedding).Bytes + source.Layout(MatrixRole.Output).Bytes
            + source.Norm(NormRole.Output).Length * 4;
        for (int layer = 0; layer < c.LayerCount; layer++)
        {
            bytes += new[] { MatrixRole.Query, MatrixRole.Key, MatrixRole.Value,
                MatrixRole.AttentionOutput }.Sum(r => source.Layout(r, layer).Bytes);
            for (int expert = 0; expert < c.ExpertCount; expert++)
                bytes += new[] { MatrixRole.GateProj, MatrixRole.UpProj,
                    MatrixRole.DownProj }.Sum(r => source.Layout(r, layer, expert).Bytes);
            bytes += (source.Router(layer).Length + source.Norm(NormRole.Attention, layer).Length
                + source.Norm(NormRole.FeedForward, layer).Length) * 4;
        }
        return bytes;
    }

    private static float[] Read(ModelSource source, MatrixRole role, int layer, int expert)
    {
        RowTileLayout layout = source.Layout(role, layer, expert);
        var tiles = new byte[layout.Bytes];
        source.CopyTiles(role, layer, expert, 0, layout.Tiles, tiles);
        var values = new float[layout.Rows * layout.Cols];
        for (int row = 0; row < layout.Rows; row++)
            RowTile.DequantizeRow(layout, tiles, row, values.AsSpan(row * layout.Cols, layout.Cols));
        return values;
    }

    /// <summary>The largest difference is at most <paramref name="bound"/> times the root mean square.</summary>
    private static void Close(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double bound)
    {
        Assert.Equal(expected.Length, actual.Length);
        double squares = 0, worst = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            squares += (double)expected[i] * expected[i];
            worst = Math.Max(worst, Math.Abs((double)expected[i] - actual[i]));
        }
        Assert.InRange(worst, 0, bound * Math.Sqrt(squares / expected.Length));
    }
}
