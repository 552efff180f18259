using System.Diagnostics;
using MixtralVk.Testing;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Tokenization;

public class TokenizerTests
{
    [Fact]
    public void RealMistralVocabularyGivesTheTokensOfAnIndependentImplementation()
    {
        int cases = 0;
        foreach ((string text, int[] ids) in Vocabularies.Cases("mistral.json"))
        {
            Assert.Equal(ids, Vocabularies.Mistral.Value.Encode(text));
            cases++;
        }
        Assert.True(cases > 100);
    }

    [Fact]
    public void DecodingGivesTheTextBack()
    {
        foreach ((string text, int[] ids) in Vocabularies.Cases("mistral.json"))
            Assert.Equal(text.Replace('\u2581', ' '), Vocabularies.Mistral.Value.Decode(ids));
    }

    [Fact]
    public void EmptyTextIsOnlyTheBeginToken() => Assert.Equal([1], Vocabularies.Mistral.Value.Encode(""));

    [Fact]
    public void LoneSurrogatesCountAsReplacementCharacters()
    {
        Tokenizer tokenizer = Vocabularies.Mistral.Value;
        Assert.Equal(tokenizer.Encode("x\ufffdy\ufffd"), tokenizer.Encode("x\udc00y\ud83d"));
        Assert.Equal(tokenizer.Encode("\ufffd\ufffd"), tokenizer.Encode("\udc00\ud800"));
    }

    [Theory]
    [InlineData("</s>")]
    [InlineData("<s>")]
    [InlineData("<unk>")]
    [InlineData("<0x41>")]
    [InlineData("[CTL]")]
    public void TextNeverBecomesAControlOrByteTokenUnlessAsked(string text)
    {
        // Every part of the marks is a piece, so a merger that knew the marks themselves would make them.
        VocabularyData data = Vocabularies.Of(
            ["<", ">", "/", "s", "</", "s>", "<s", "u", "n", "k", "un", "k>", "unk>", "<unk", "0", "x", "4", "1", "<0", "<0x", "41", "41>",
            "<0x41", "[", "]", "[C", "C", "T", "L", "TL", "TL]", "\u2581"],
            ("[CTL]", TokenType.Control));
        var tokenizer = new Tokenizer(data);
        int[] ids = tokenizer.Encode("a" + text, addSpecial: false);
        Assert.DoesNotContain(Array.IndexOf(data.Tokens, text), ids);
        Assert.Equal("a" + text, tokenizer.Decode(ids));
        bool isMark = tokenizer.TypeOf(Array.IndexOf(data.Tokens, text)) != TokenType.Byte;
        Assert.Equal(isMark, tokenizer.Encode("a" + text, false, parseSpecial: true).Contains(Array.IndexOf(data.Tokens, text)));
    }

    [Fact]
    public void UserDefinedTokensAreFoundInAnyTextTheLongestFirst()
    {
        VocabularyData data = Vocabularies.Of(["\u2581", "a"], ("<tool>", TokenType.UserDefined), ("<tool>!", TokenType.UserDefined));
        var tokenizer = new Tokenizer(data);
        int space = Array.IndexOf(data.Tokens, "\u2581"), a = space + 1, tool = space + 2, toolBang = space + 3;
        Assert.Equal([1, space, a, toolBang, space, a, tool], tokenizer.Encode("a<tool>!a<tool>"));
    }

    [Fact]
    public void HigherScoreMergesFirstAndTiesFromTheLeft()
    {
        VocabularyData data = Vocabularies.Of(["a", "b", "c", "bc", "ab", "aa"]);
        var tokenizer = new Tokenizer(data with { AddSpacePrefix = false, AddBos = false });
        Assert.Equal(["a", "bc"], tokenizer.Encode("abc").Select(tokenizer.Piece));
        Assert.Equal(["aa", "a"], tokenizer.Encode("aaa").Select(tokenizer.Piece));
    }

    [Fact]
    public void BeginEndAndSpaceFollowTheFile()
    {
        VocabularyData data = Vocabularies.Of(["\u2581", "a"]) with { AddEos = true, AddSpacePrefix = false };
        var tokenizer = new Tokenizer(data);
        Assert.Equal([1, 260, 2], tokenizer.Encode("a"));
        Assert.Equal([260], tokenizer.Encode("a", addSpecial: false));
        Assert.Equal(" a", tokenizer.Decode(tokenizer.Encode(" a")));
    }

    [Fact]
    public void WithoutByteTokensACharacterIsUnknownOrAnError()
    {
        string[] tokens = ["<unk>", "a"];
        var data = new VocabularyData(
            "llama", tokens, [0, 0], [TokenType.Unknown, TokenType.Normal], -1, -1, 0, -1, false, false, false, null);
        Assert.Equal([1, 0], new Tokenizer(data).Encode("aß"));
        Assert.Throws<TokenizerException>(() => new Tokenizer(data with { Unknown = -1 }).Encode("ß"));
    }

    [Fact]
    public void OtherKindsOfVocabularyAreRefused()
    {
        var error = Assert.Throws<TokenizerException>(() => new Tokenizer(Vocabularies.Of([]) with { Model = "gpt2" }));
        Assert.Contains("gpt2", error.Message, StringComparison.Ordinal);
        VocabularyData broken = Vocabularies.Of([], ("<0xZZ>", TokenType.Byte));
        Assert.Throws<TokenizerException>(() => new Tokenizer(broken));
    }

    [Fact]
    public void TokenIdsAreChecked()
    {
        Tokenizer tokenizer = Vocabularies.Mistral.Value;
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([32000]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Piece(-1));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("Hello, who are you?\n")]
    [InlineData("磨坊👍🏽")]
    public void TimeGrowsNearlyInLineWithTheText(string unit)
    {
        Tokenizer tokenizer = Vocabularies.Mistral.Value;
        string text = string.Concat(Enumerable.Repeat(unit, 400_000 / unit.Length));
        tokenizer.Encode(text.AsSpan(0, 40_000));
        long start = Stopwatch.GetTimestamp();
        int[] ids = tokenizer.Encode(text);
        Assert.True(Stopwatch.GetElapsedTime(start).TotalSeconds < 10, "quadratic time would take minutes");
        Assert.Equal(text, tokenizer.Decode(ids));
    }

    [Fact]
    public void EncodingAllocatesLittleMoreThanItsResult()
    {
        Tokenizer tokenizer = Vocabularies.Mistral.Value;
        string text = string.Concat(Enumerable.Repeat("Where is the mill? ", 50));
        var tokens = new List<int>(4096);
        Encode();
        Assert.InRange(Allocations.Of(Encode), 0, 256);

        void Encode()
        {
            tokens.Clear();
            tokenizer.Encode(text, tokens);
        }
    }
}
