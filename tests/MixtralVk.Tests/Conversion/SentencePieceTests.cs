using MixtralVk.Conversion;
using MixtralVk.Loading;
using MixtralVk.Testing.Checkpoints;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Conversion;

/// <summary>The reader of <c>tokenizer.model</c>.</summary>
public sealed class SentencePieceTests
{
    private static readonly string[] s_pieces = ["<unk>", "<s>", "</s>", "<0x41>", "\u2581", "the", "\u2581the", "[TOOL]"];
    private static readonly float[] s_scores = [0, 0, 0, 0, -2, -1.5f, -0.25f, 0];
    private static readonly int[] s_types = [2, 3, 3, 6, 1, 1, 1, 4];

    [Fact]
    public void Pieces_scores_types_and_settings_are_read()
    {
        VocabularyData read = Read(SentencePieceWriter.Write(s_pieces, s_scores, s_types, bos: 1, eos: -1, spacePrefix: false));
        Assert.Equal(s_pieces, read.Tokens);
        Assert.Equal(s_scores, read.Scores);
        Assert.Equal(s_types, read.Types.Select(t => (int)t));
        Assert.Equal((0, 1, -1), (read.Unknown, read.Bos, read.Eos));
        Assert.False(read.AddSpacePrefix);
        Assert.True(read.AddBos);
    }

    [Fact]
    public void Fields_nobody_knows_are_passed()
    {
        byte[] model = SentencePieceWriter.Write(s_pieces, s_scores, s_types);
        byte[] more = [.. SentencePieceWriter.Field(7, 5), .. SentencePieceWriter.Field(9, [1, 2]), 10 << 3 | 5, 1, 2, 3, 4, 11 << 3 | 1,
            1, 2, 3, 4, 5, 6, 7, 8];
        Assert.Equal(s_pieces, Read([.. more, .. model, .. more]).Tokens);
    }

    [Fact]
    public void Absent_settings_have_the_defaults_of_the_format()
    {
        byte[] piece = SentencePieceWriter.Field(1, SentencePieceWriter.Field(1, "a"u8.ToArray()));
        AssertRefused([.. piece], "kind 1"); // unigram
        VocabularyData read = Read([.. piece, .. piece, .. piece, .. SentencePieceWriter.Field(2, SentencePieceWriter.Field(3, 2))]);
        Assert.Equal((0, 1, 2), (read.Unknown, read.Bos, read.Eos));
        Assert.True(read.AddSpacePrefix);
        Assert.Equal(TokenType.Normal, read.Types[0]);
    }

    public static TheoryData<byte[], string> BadModels => new()
    {
        { [], "no pieces" },
        { "not a model at all"u8.ToArray(), "damaged" },
        { [1 << 3 | 2, 200, 1, 0], "200 bytes" },
        { [1 << 3 | 2, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1], "bytes where 0 are left" },
        { [.. Enumerable.Repeat((byte)0x80, 12)], "more than 10 bytes" },
        { [7 << 3], "inside a number" },
        { [1 << 3, 5], "wire type" },
        { [1 << 3 | 3], "wire type" },
        { [0, 0], "field number" },
        { [5 << 3 | 5, 1, 2, 3], "4 bytes" },
        { SentencePieceWriter.Field(1, SentencePieceWriter.Field(1, [0xC3, 0x28])), "UTF-8" },
        { SentencePieceWriter.Field(1, SentencePieceWriter.Field(1, new byte[70000])), "more than 65536" },
        { SentencePieceWriter.Field(1, SentencePieceWriter.Field(3, 7)), "type 7" },
        { SentencePieceWriter.Field(1, SentencePieceWriter.Field(3, -1)), "type -1" },
        { SentencePieceWriter.Field(1, [2 << 3 | 5, 0, 0, 0xC0, 0x7F]), "not a number" },
        { SentencePieceWriter.Write(s_pieces, s_scores, s_types, kind: 1), "only BPE" },
        { SentencePieceWriter.Write(s_pieces, s_scores, s_types, rules: [1, 2, 3]), "normalises" },
    };

    [Theory, MemberData(nameof(BadModels))]
    public void A_bad_model_is_refused_with_its_reason(byte[] model, string reason) => AssertRefused(model, reason);

    [Fact]
    public void Every_cut_and_every_changed_byte_is_read_or_refused()
    {
        byte[] whole = SentencePieceWriter.Write(s_pieces, s_scores, s_types);
        for (int length = 0; length < whole.Length; length++) ReadOrRefuse(whole[..length]);
        for (int at = 0; at < whole.Length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] changed = [.. whole];
                changed[at] ^= (byte)(1 << bit);
                ReadOrRefuse(changed);
            }
        }
    }

    private static void ReadOrRefuse(byte[] model)
    {
        try
        {
            VocabularyData read = Read(model);
            Assert.Equal((read.Tokens.Length, read.Tokens.Length), (read.Scores.Length, read.Types.Length));
        }
        catch (ModelFileException e)
        {
            Assert.StartsWith("tokenizer.model: ", e.Message);
        }
    }

    private static VocabularyData Read(byte[] model) => SentencePieceModel.Read("tokenizer.model", model);

    private static void AssertRefused(byte[] model, string reason) =>
        Assert.Contains(reason, Assert.Throws<ModelFileException>(() => Read(model)).Message);
}
