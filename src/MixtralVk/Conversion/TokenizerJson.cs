using System.Globalization;
using System.Text.Json;
using MixtralVk.Tokenization;

namespace MixtralVk.Conversion;

/// <summary>
/// Reads <c>tokenizer.json</c> (Hugging Face tokenizers) where it holds a SentencePiece-type vocabulary: BPE with byte fallback whose text
/// is written with U+2581 for a space. Such a file has merges in order of rank where SentencePiece has a score for each piece.
/// </summary>
internal static class TokenizerJson
{
    private const int MaxPieces = 1 << 22;
    private const string Space = "\u2581";

    public static VocabularyData Read(JsonFile file)
    {
        JsonElement model = file.Find("model") ?? throw file.Error("has no 'model'.");
        string kind = file.Text(model, "type") ?? "BPE";
        if (kind != "BPE") throw file.Error($"the tokenizer is of kind '{kind}'; only BPE is supported.");
        if (file.Flag(model, "byte_fallback") != true)
            throw file.Error(
                "the tokenizer has no byte fallback: it is byte-level BPE, and only the SentencePiece type (Llama 2, Mistral, Mixtral) is supported.");

        var pieces = new Dictionary<int, string>();
        foreach ((string piece, JsonElement id) in file.Members(model, "vocab")) Add(file, pieces, Id(file, id), piece);
        var types = new Dictionary<int, TokenType>();
        foreach (JsonElement token in file.Elements(file.Root, "added_tokens")) AddAdded(file, token, pieces, types);
        string[] tokens = InOrder(file, pieces);
        string? unknown = file.Text(model, "unk_token");
        int unknownId = unknown is null ? -1 : Array.IndexOf(tokens, unknown);
        var typeOf = new TokenType[tokens.Length];
        for (int id = 0; id < tokens.Length; id++)
        {
            typeOf[id] = id == unknownId ? TokenType.Unknown : types.TryGetValue(id, out TokenType type) ? type
                : IsByte(tokens[id]) ? TokenType.Byte : TokenType.Normal;
        }
        return new VocabularyData(
            "llama", tokens, Scores(file, model, tokens, typeOf), typeOf, Find("<s>"), Find("</s>"), unknownId, EndOfTurn: -1,
            AddBos: true, AddEos: false, PutsSpaceInFront(file), ChatTemplate: null);

        int Find(string text) => Array.FindIndex(tokens, 0, token => token == text);
    }

    private static void AddAdded(JsonFile file, JsonElement token, Dictionary<int, string> pieces, Dictionary<int, TokenType> types)
    {
        int id = Id(file, file.Find(token, "id") ?? throw file.Error("an added token has no id."));
        string text = file.Text(token, "content") ?? throw file.Error($"added token {id} has no content.");
        Add(file, pieces, id, text);
        types[id] = file.Flag(token, "special") == true ? TokenType.Control : TokenType.UserDefined;
    }

    private static void Add(JsonFile file, Dictionary<int, string> pieces, int id, string text)
    {
        if (!pieces.TryAdd(id, text) && pieces[id] != text) throw file.Error($"token {id} is both '{pieces[id]}' and '{text}'.");
    }

    private static int Id(JsonFile file, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) && id is >= 0 and < MaxPieces ? id
        : throw file.Error($"a token has an id that is not a number from 0 to {MaxPieces - 1}.");

    /// <summary>The pieces by id, which must be 0, 1, 2, ….</summary>
    private static string[] InOrder(JsonFile file, Dictionary<int, string> pieces)
    {
        if (pieces.Count == 0) throw file.Error("the vocabulary is empty.");
        var tokens = new string[pieces.Count];
        for (int id = 0; id < tokens.Length; id++)
            tokens[id] = pieces.TryGetValue(id, out string? piece)
                ? piece : throw file.Error($"the vocabulary has {tokens.Length} tokens, but none with id {id}.");
        return tokens;
    }

    /// <summary>
    /// A score for each piece. The earlier a piece's first merge, the higher its score. SentencePiece numbers the pieces of a trained BPE
    /// model from 0 downwards in order of id; where the merges agree with that order, those are the scores, else the merges' ranks are.
    /// </summary>
    private static float[] Scores(JsonFile file, JsonElement model, string[] tokens, TokenType[] types)
    {
        var ids = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++) ids.TryAdd(tokens[id], id);
        var ranks = new Dictionary<int, int>();
        int last = -1;
        bool inOrder = true;
        foreach (JsonElement merge in file.Elements(model, "merges"))
        {
            string merged = Merged(file, merge);
            if (!ids.TryGetValue(merged, out int id)) throw file.Error($"the merge to '{merged}' is not in the vocabulary.");
            if (!ranks.TryAdd(id, ranks.Count)) continue;
            inOrder &= id > last;
            last = id;
        }
        int firstNormal = Array.FindIndex(types, type => type == TokenType.Normal);
        var scores = new float[tokens.Length];
        for (int id = 0; id < tokens.Length; id++)
        {
            if (types[id] != TokenType.Normal) continue;
            scores[id] = -(float)(inOrder ? id - firstNormal : ranks.TryGetValue(id, out int rank) ? rank : ranks.Count + id);
        }
        return scores;
    }

    /// <summary>What a merge makes; older files write its two parts as one text with a space between.</summary>
    private static string Merged(JsonFile file, JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2)
            return file.TextOf(merge[0], "merges") + file.TextOf(merge[1], "merges");
        string pair = file.TextOf(merge, "merges", "a list of pairs");
        int space = pair.Length > 1 ? pair.IndexOf(' ', 1) : -1;
        return space > 0 ? string.Concat(pair.AsSpan(0, space), pair.AsSpan(space + 1)) : throw file.Error("a merge is not a pair.");
    }

    /// <summary>Either a normaliser prepends the space, or the Metaspace pre-tokenizer does.</summary>
    private static bool PutsSpaceInFront(JsonFile file)
    {
        if (file.Find("normalizer") is { } normalizer)
        {
            foreach (JsonElement step in new[] { normalizer }.Concat(file.Elements(normalizer, "normalizers")))
                if (file.Text(step, "type") == "Prepend" && file.Text(step, "prepend") == Space) return true;
        }
        if (file.Find("pre_tokenizer") is { } pre && file.Text(pre, "type") == "Metaspace")
            return file.Text(pre, "prepend_scheme") is { } scheme ? scheme != "never" : file.Flag(pre, "add_prefix_space") ?? true;
        return false;
    }

    private static bool IsByte(string piece) =>
        piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
        && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _);
}
