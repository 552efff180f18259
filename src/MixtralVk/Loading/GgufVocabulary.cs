using MixtralVk.Model;
using MixtralVk.Tokenization;

namespace MixtralVk.Loading;

/// <summary>
/// Reads the tokenizer section of a GGUF file. Defaults of a SentencePiece vocabulary (model <c>llama</c>) are those of llama.cpp.
/// </summary>
internal static class GgufVocabulary
{
    private const string Section = "tokenizer.ggml.";

    public static VocabularyData Read(GgufFile file)
    {
        string model = file.Text(Section + "model") ?? throw file.Error($"{Section}model is missing: the file has no tokenizer.");
        // Before they are read: so many empty ones take a small file, but gigabytes of memory.
        if (file.Metadata.TryGetValue(Section + "tokens", out GgufValue array) && array.Count > ModelLimits.MaxVocab)
            throw file.Error($"{Section}tokens has {array.Count} entries, more than {ModelLimits.MaxVocab}.");
        string[] tokens = file.Strings(Section + "tokens") ?? throw file.Error($"{Section}tokens is missing: the file has no vocabulary.");
        if (tokens.Length == 0) throw file.Error($"{Section}tokens is empty.");
        bool sentencePiece = model == "llama";
        return new VocabularyData(
            model, tokens, Scores(file, tokens.Length), Types(file, tokens.Length),
            Bos: Special(file, "bos_token_id", sentencePiece ? 1 : -1, tokens.Length),
            Eos: Special(file, "eos_token_id", sentencePiece ? 2 : -1, tokens.Length),
            Unknown: Special(file, "unknown_token_id", sentencePiece ? 0 : -1, tokens.Length),
            EndOfTurn: Special(file, "eot_token_id", -1, tokens.Length),
            AddBos: file.Flag(Section + "add_bos_token") ?? sentencePiece,
            AddEos: file.Flag(Section + "add_eos_token") ?? false,
            AddSpacePrefix: file.Flag(Section + "add_space_prefix") ?? sentencePiece,
            ChatTemplate: file.Text("tokenizer.chat_template"));
    }

    private static float[] Scores(GgufFile file, int count)
    {
        if (file.Floats(Section + "scores") is not { } scores) return new float[count];
        if (scores.Length != count) throw file.Error($"{Section}scores has {scores.Length} entries for {count} tokens.");
        int nan = Array.FindIndex(scores, float.IsNaN);
        return nan < 0 ? scores : throw file.Error($"the score of token {nan} is not a number.");
    }

    private static TokenType[] Types(GgufFile file, int count)
    {
        var types = new TokenType[count];
        if (file.Integers(Section + "token_type") is not { } numbers)
        {
            Array.Fill(types, TokenType.Normal);
            return types;
        }
        if (numbers.Length != count) throw file.Error($"{Section}token_type has {numbers.Length} entries for {count} tokens.");
        for (int i = 0; i < count; i++)
        {
            if (numbers[i] is < 0 or > (int)TokenType.Byte) throw file.Error($"token {i} has the unknown type {numbers[i]}.");
            types[i] = (TokenType)numbers[i];
        }
        return types;
    }

    /// <summary>A special token's id. A default the vocabulary is too small for means none.</summary>
    private static int Special(GgufFile file, string key, int absent, int count)
    {
        if (file.Integer(Section + key) is not long id) return absent < count ? absent : -1;
        return id >= 0 && id < count ? (int)id : throw file.Error($"{Section}{key} is {id}; the vocabulary has {count} tokens.");
    }
}
