using System.Text;
using MixtralVk.Testing;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Tokenization;

public class StreamingDecoderTests
{
    private static readonly Tokenizer s_bytes = new(Vocabularies.Of(["\u2581", "\u2581a", "a"]));

    [Fact]
    public void PiecesAreWholeCharactersAndTogetherTheText()
    {
        foreach ((string text, int[] ids) in Vocabularies.Cases("mistral.json"))
        {
            var decoder = new StreamingDecoder(Vocabularies.Mistral.Value);
            var whole = new StringBuilder();
            foreach (int id in ids)
            {
                string piece = decoder.Append(id);
                Assert.False(piece.Length > 0 && (char.IsLowSurrogate(piece[0]) || char.IsHighSurrogate(piece[^1])));
                whole.Append(piece);
            }
            Assert.Equal("", decoder.Flush());
            Assert.Equal(text.Replace('\u2581', ' '), whole.ToString());
        }
    }

    [Theory]
    [InlineData("F0 9F 98 80", "|||😀")]
    [InlineData("C3 A4 0A", "|ä|\n")]
    [InlineData("E2 82", "||\ufffd")]                    // incomplete at the end
    [InlineData("E2 41", "|\ufffdA")]                    // cut off by ASCII
    [InlineData("FF 80 41", "\ufffd|\ufffd|A")]          // never valid
    [InlineData("F0 9F C3 A9", "||\ufffd|é")]            // cut off by another character
    [InlineData("ED A0 80", "|\ufffd\ufffd|\ufffd")]     // a surrogate spelled in UTF-8
    [InlineData("C0 AF", "\ufffd|\ufffd")]               // overlong
    public void BytesAreAssembled(string hex, string expected)
    {
        var decoder = new StreamingDecoder(s_bytes, trimLeadingSpace: false);
        var pieces = hex.Split(' ').Select(b => decoder.Append(3 + Convert.ToInt32(b, 16))).ToList();
        string rest = decoder.Flush();
        if (rest.Length > 0) pieces.Add(rest);
        Assert.Equal(expected, string.Join('|', pieces));
    }

    [Fact]
    public void AnyBytesGiveWhatUtf8DecodingGives()
    {
        var random = new Random(5);
        for (int run = 0; run < 500; run++)
        {
            byte[] bytes = new byte[random.Next(1, 12)];
            random.NextBytes(bytes);
            if (run % 2 == 0) for (int i = 0; i < bytes.Length; i++) bytes[i] |= 0x80;
            Assert.Equal(Encoding.UTF8.GetString(bytes), s_bytes.Decode([.. bytes.Select(b => 3 + b)], trimLeadingSpace: false));
        }
    }

    [Fact]
    public void APieceAfterHalfACharacterKeepsItsText()
    {
        var decoder = new StreamingDecoder(s_bytes);
        Assert.Equal("", decoder.Append(3 + 0xE2));
        Assert.Equal("\ufffd a", decoder.Append(260));
    }

    [Fact]
    public void OnlyTheFirstSpaceOfATextIsTakenAway()
    {
        Assert.Equal("a a", s_bytes.Decode([260, 260]));
        Assert.Equal(" a a", s_bytes.Decode([260, 260], trimLeadingSpace: false));
        Assert.Equal("a", s_bytes.Decode([1, 260, 2]));
    }

    [Fact]
    public void AppendingAllocatesNothingForPieces()
    {
        var decoder = new StreamingDecoder(s_bytes, trimLeadingSpace: false);
        decoder.Append(260);
        decoder.Append(3 + '\n');
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (int i = 0; i < 100; i++) { decoder.Append(260); decoder.Append(3 + '\n'); }
        }));
    }
}
