using System.Globalization;
using System.Text.Json;
using MixtralVk.Loading;
using MixtralVk.Tokenization;

namespace MixtralVk.Conversion;

/// <summary>
/// The vocabulary of a checkpoint folder: <c>tokenizer.model</c> or <c>tokenizer.json</c>, then what <c>added_tokens.json</c>,
/// <c>tokenizer_config.json</c> and a chat template of its own file say on top of it.
/// </summary>
internal static class CheckpointVocabulary
{
    // Generous beside real files: Mixtral's tokenizer.json has 2 MB.
    private const int MaxTokenizerBytes = 1 << 26, MaxConfigBytes = 1 << 24;
    // No text reaches these tokens by merging, so the numbers only have to be low; they are the ones llama.cpp's converter writes.
    private const float AddedScore = -1000, PaddingScore = -10000;

    /// <summary>
    /// Reads the vocabulary and pads it with unused tokens to <paramref name="vocabSize"/>, the rows of the embedding; 0 leaves it as it
    /// is.
    /// </summary>
    public static VocabularyData Read(string folder, int vocabSize)
    {
        (VocabularyData vocabulary, string path) = ReadTokenizer(folder);
        string config = Path.Combine(folder, "tokenizer_config.json"), added = Path.Combine(folder, "added_tokens.json");
        if (File.Exists(added)) vocabulary = WithAdded(vocabulary, added);
        if (File.Exists(config)) vocabulary = WithConfig(vocabulary, config);
        string template = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(template)) vocabulary = vocabulary with { ChatTemplate = ReadText(template) };
        if (vocabSize > 0 && vocabulary.Tokens.Length > vocabSize)
            throw new ModelFileException(path, $"has {vocabulary.Tokens.Length} tokens, but the model's embedding only {vocabSize} rows.");
        return vocabSize > 0 ? Padded(vocabulary, vocabSize) : vocabulary;
    }

    private static (VocabularyData Vocabulary, string Path) ReadTokenizer(string folder)
    {
        foreach (string name in (ReadOnlySpan<string>)["tokenizer.model", "tokenizer.model.v3", "tokenizer.model.v2", "tokenizer.model.v1"])
        {
            string model = Path.Combine(folder, name);
            if (File.Exists(model)) return (SentencePieceModel.Read(model, CheckpointFile.ReadAll(model, MaxTokenizerBytes)), model);
        }
        string path = Path.Combine(folder, "tokenizer.json");
        if (!File.Exists(path))
            throw new ModelFileException(folder, File.Exists(Path.Combine(folder, "tekken.json"))
                ? "has a tekken.json tokenizer, which is not supported; only SentencePiece-type ones are."
                : "has neither tokenizer.model nor tokenizer.json.");
        using JsonFile json = JsonFile.Open(path, MaxTokenizerBytes);
        return (TokenizerJson.Read(json), path);
    }

    /// <summary><c>added_tokens.json</c>: an object of texts and ids.</summary>
    private static VocabularyData WithAdded(VocabularyData vocabulary, string path)
    {
        using JsonFile file = JsonFile.Open(path, MaxConfigBytes);
        var added = new SortedDictionary<int, (string, bool)>();
        foreach ((string text, JsonElement id) in file.MembersOf(file.Root, "added tokens"))
        {
            if (id.ValueKind != JsonValueKind.Number || !id.TryGetInt32(out int number))
                throw file.Error($"the id of '{text}' is not a whole number.");
            added[number] = (text, false);
        }
        return Extended(vocabulary, file, added);
    }

    private static VocabularyData WithConfig(VocabularyData vocabulary, string path)
    {
        using JsonFile file = JsonFile.Open(path, MaxConfigBytes);
        var added = new SortedDictionary<int, (string, bool)>();
        foreach ((string id, JsonElement token) in file.Members(file.Root, "added_tokens_decoder"))
        {
            if (!int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                throw file.Error($"'{id}' in added_tokens_decoder is not a token id.");
            added[number] =
                (file.Text(token, "content") ?? throw file.Error($"added token {id} has no content."), file.Flag(token, "special") == true);
        }
        vocabulary = Extended(vocabulary, file, added);
        return vocabulary with
        {
            Bos = TokenOf(vocabulary, file, "bos_token") ?? vocabulary.Bos,
            Eos = TokenOf(vocabulary, file, "eos_token") ?? vocabulary.Eos,
            Unknown = TokenOf(vocabulary, file, "unk_token") ?? vocabulary.Unknown,
            AddBos = file.Flag("add_bos_token") ?? vocabulary.AddBos,
            AddEos = file.Flag("add_eos_token") ?? vocabulary.AddEos,
            AddSpacePrefix = file.Flag("add_prefix_space") ?? vocabulary.AddSpacePrefix,
            ChatTemplate = Template(file),
        };
    }

    /// <summary>
    /// Appends tokens past the vocabulary, which must follow on it without a gap; those inside it must be the ones it has.
    /// </summary>
    private static VocabularyData Extended(VocabularyData vocabulary, JsonFile file,
        SortedDictionary<int, (string Text, bool IsSpecial)> added)
    {
        var tokens = new List<string>(vocabulary.Tokens);
        var scores = new List<float>(vocabulary.Scores);
        var types = new List<TokenType>(vocabulary.Types);
        foreach ((int id, (string text, bool isSpecial)) in added)
        {
            if (id < 0 || id > tokens.Count)
                throw file.Error($"added token '{text}' has id {id}, which does not follow on the {tokens.Count} tokens before it.");
            if (id == tokens.Count)
            {
                tokens.Add(text);
                scores.Add(AddedScore);
                types.Add(isSpecial ? TokenType.Control : TokenType.UserDefined);
            }
            else if (id >= vocabulary.Tokens.Length || tokens[id] == text)
            {
                // SentencePiece's own kinds (unknown, control, byte) say more than "special".
                if (types[id] is TokenType.Normal or TokenType.UserDefined)
                    types[id] = isSpecial ? TokenType.Control : TokenType.UserDefined;
            }
            else throw file.Error($"token {id} is '{tokens[id]}' in the vocabulary, but '{text}' here.");
        }
        return vocabulary with { Tokens = [.. tokens], Scores = [.. scores], Types = [.. types] };
    }

    /// <summary>The id of a special token, stated as a text or as an object with one.</summary>
    private static int? TokenOf(VocabularyData vocabulary, JsonFile file, string name)
    {
        if (file.Find(name) is not { } value) return null;
        string text = value.ValueKind == JsonValueKind.Object ? file.Text(value, "content") ?? "" : file.TextOf(value, name);
        int id = Array.IndexOf(vocabulary.Tokens, text);
        return id >= 0 ? id : throw file.Error($"{name} '{text}' is not in the vocabulary.");
    }

    /// <summary>One template, or several by name of which <c>default</c> is taken.</summary>
    private static string? Template(JsonFile file)
    {
        if (file.Find("chat_template") is not { ValueKind: JsonValueKind.Array } templates) return file.Text("chat_template");
        foreach (JsonElement template in templates.EnumerateArray())
            if (file.Text(template, "name") == "default") return file.Text(template, "template");
        return null;
    }

    private static string ReadText(string path)
    {
        using var reader = new StreamReader(new MemoryStream(CheckpointFile.ReadAll(path, MaxConfigBytes)));
        return reader.ReadToEnd();
    }

    private static VocabularyData Padded(VocabularyData vocabulary, int vocabSize)
    {
        int count = vocabulary.Tokens.Length, missing = vocabSize - count;
        return missing == 0 ? vocabulary : vocabulary with
        {
            Tokens = [.. vocabulary.Tokens, .. Enumerable.Range(count, missing).Select(id => $"[PAD{id}]")],
            Scores = [.. vocabulary.Scores, .. Enumerable.Repeat(PaddingScore, missing)],
            Types = [.. vocabulary.Types, .. Enumerable.Repeat(TokenType.Unused, missing)],
        };
    }
}
