using System.Text.Json;
using MixtralVk.Characters;

namespace MixtralVk.Tests.Characters;

public class AnswerDecoderTests
{
    private const string Json =
        """{"say": "A \"b\" \\ \/ \n\t\u00e9 \u4e16 é世 \ud83d\ude00 😀 end\u0021", "emotion":"x, \"y\": \"z\"", "action":"y_\ud83d\ude00","target":"z\"say\":\"no"}""";

    /// <summary>
    /// However the text is cut (never inside a surrogate pair, as decoders of tokens do not), the strings are those that a parser of JSON
    /// reads.
    /// </summary>
    [Fact]
    public void TheStringsAreThoseOfTheJsonHoweverItIsCut()
    {
        using JsonDocument document = JsonDocument.Parse(Json);
        var expected = new CharacterAnswer(Text("say"), Text("emotion"), Text("action"), Text("target"));
        for (int length = 1; length <= Json.Length; length++)
        {
            var decoder = new AnswerDecoder(speechCapacity: 8);
            var pieces = new List<string>();
            for (int at = 0, end; at < Json.Length; at = end)
            {
                end = Math.Min(at + length, Json.Length);
                if (end < Json.Length && char.IsLowSurrogate(Json[end])) end++;
                pieces.Add(decoder.Append(Json[at..end]));
            }
            Assert.Equal(expected, decoder.ToAnswer());
            Assert.Equal(expected.Say, string.Concat(pieces));
            Assert.All(pieces,
                piece => Assert.False(piece.Length > 0 && (char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0]))));
        }

        string Text(string name) => document.RootElement.GetProperty(name).GetString()!;
    }

    /// <summary>Replies are decoded in a game's ticks.</summary>
    [Fact]
    public void PiecesThatAreWordsOrMarksAllocateNothing()
    {
        string[] pieces = ["{\"", "say", "\":", " \"", "Bread", " costs", " 3", ".\"", ",", "\"emotion", "\": \"", "calm", "\", \"",
            "action", "\":\"", "none", "\",\"target\":", "\"\"", "}"];
        long allocated = long.MaxValue;
        for (int round = 0; round < 500 && allocated > 0; round++) // until the runtime has optimised it: code compiled quickly boxes
        {
            Thread.Sleep(5);
            var decoder = new AnswerDecoder(speechCapacity: 64);
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach (string piece in pieces) decoder.Append(piece);
            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(new CharacterAnswer("Bread costs 3.", "calm", "none", ""), decoder.ToAnswer());
        }
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void EveryPieceComesAsSoonAsItIsKnown()
    {
        var decoder = new AnswerDecoder(speechCapacity: 64);
        Assert.Equal("", decoder.Append("{\"say\": "));
        Assert.Equal("Hel", decoder.Append("\"Hel"));
        Assert.Equal("lo", decoder.Append("lo\\"));
        Assert.Equal("\n", decoder.Append("n\\ud83d"));
        Assert.Equal("\ud83d\ude00!", decoder.Append("\\ude00!"));
        Assert.Equal("", decoder.Append("\", \"emotion\": \"calm"));
        Assert.Equal("", decoder.Append("ly"));
        Assert.Equal("Hello\n\ud83d\ude00!", decoder.Speech);
    }
}
