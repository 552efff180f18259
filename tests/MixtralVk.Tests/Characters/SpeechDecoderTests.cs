using System.Text.Json;
using MixtralVk.Characters;

namespace MixtralVk.Tests.Characters;

public class SpeechDecoderTests
{
    private const string Json = """{"say": "A \"b\" \\ \/ \n\t\u00e9 \u4e16 é世 \ud83d\ude00 😀 end\u0021", "emotion":"x","action":"y","target":"z\"say\":\"no"}""";

    /// <summary>However the text is cut (never inside a surrogate pair, as decoders of tokens do not), the speech is the whole string.</summary>
    [Fact]
    public void SpeechIsTheStringHoweverItIsCut()
    {
        using JsonDocument document = JsonDocument.Parse(Json);
        string say = document.RootElement.GetProperty("say").GetString()!;
        for (int length = 1; length <= Json.Length; length++)
        {
            var decoder = new SpeechDecoder();
            var pieces = new List<string>();
            for (int at = 0, end; at < Json.Length; at = end)
            {
                end = Math.Min(at + length, Json.Length);
                if (end < Json.Length && char.IsLowSurrogate(Json[end])) end++;
                pieces.Add(decoder.Append(Json[at..end]));
            }
            Assert.Equal(say, string.Concat(pieces));
            Assert.All(pieces, piece => Assert.False(piece.Length > 0 && (char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0]))));
        }
    }

    [Fact]
    public void EveryPieceComesAsSoonAsItIsKnown()
    {
        var decoder = new SpeechDecoder();
        Assert.Equal("", decoder.Append("{\"say\": "));
        Assert.Equal("Hel", decoder.Append("\"Hel"));
        Assert.Equal("lo", decoder.Append("lo\\"));
        Assert.Equal("\n", decoder.Append("n\\ud83d"));
        Assert.Equal("\ud83d\ude00!", decoder.Append("\\ude00!"));
        Assert.Equal("", decoder.Append("\", \"emotion\": \"calm"));
    }
}
