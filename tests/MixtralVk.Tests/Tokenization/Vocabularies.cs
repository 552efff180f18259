using System.Text.Json;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Tokenization;

/// <summary>Vocabularies for tests: the golden part of the real Mistral one, and small ones made by hand.</summary>
internal static class Vocabularies
{
    public static readonly Lazy<Tokenizer> Mistral = new(() => new Tokenizer(ReadMistral()));

    public static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Tokenization", "goldens", name);

    public static IEnumerable<(string Text, int[] Ids)> Cases(string name)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Golden(name)));
        foreach (JsonElement item in json.RootElement.GetProperty("cases").EnumerateArray())
            yield return (item.GetProperty("text").GetString()!,
                item.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray());
    }

    /// <summary>A vocabulary of marks, the 256 bytes and the given pieces, the first of which merges first.</summary>
    public static VocabularyData Of(string[] pieces, params (string Text, TokenType Type)[] others)
    {
        string[] tokens = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(ByteToken), .. pieces, .. others.Select(o => o.Text)];
        TokenType[] types = [.. Marks, .. pieces.Select(_ => TokenType.Normal), .. others.Select(o => o.Type)];
        float[] scores = [.. Enumerable.Range(0, tokens.Length).Select(i => -(float)i)];
        return new VocabularyData("llama", tokens, scores, types, Bos: 1, Eos: 2, Unknown: 0, EndOfTurn: -1, AddBos: true, AddEos: false,
            AddSpacePrefix: true, ChatTemplate: null);
    }

    private static IEnumerable<TokenType> Marks =>
        [TokenType.Unknown, TokenType.Control, TokenType.Control, .. Enumerable.Repeat(TokenType.Byte, 256)];

    private static VocabularyData ReadMistral()
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Golden("mistral-vocabulary.json")));
        int size = json.RootElement.GetProperty("size").GetInt32();
        string[] tokens = [.. Enumerable.Range(0, size).Select(id => $"<not in the goldens {id}>")];
        var types = new TokenType[size];
        float[] scores = new float[size];
        Array.Fill(types, TokenType.Unused);
        VocabularyData marks = Of([]);
        marks.Tokens.CopyTo(tokens, 0);
        marks.Types.CopyTo(types, 0);
        foreach (JsonElement piece in json.RootElement.GetProperty("pieces").EnumerateArray())
        {
            int id = piece[0].GetInt32();
            tokens[id] = piece[1].GetString()!;
            types[id] = TokenType.Normal;
            scores[id] = -piece[2].GetInt32();
        }
        return marks with { Tokens = tokens, Types = types, Scores = scores };
    }

    private static string ByteToken(int value) => $"<0x{value:X2}>";
}
