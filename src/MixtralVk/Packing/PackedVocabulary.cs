using MessagePack;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Tokenization;

namespace MixtralVk.Packing;

/// <summary>The tokenizer in the header: a map by name with three arrays of one entry per token. An unknown key is refused.</summary>
internal static class PackedVocabulary
{
    public static void Write(ref MessagePackWriter writer, VocabularyData vocabulary)
    {
        writer.WriteMapHeader(12);
        writer.Write("model");
        writer.Write(vocabulary.Model);
        writer.Write("tokens");
        writer.WriteArrayHeader(vocabulary.Tokens.Length);
        foreach (string token in vocabulary.Tokens) writer.Write(token);
        writer.Write("scores");
        writer.WriteArrayHeader(vocabulary.Scores.Length);
        foreach (float score in vocabulary.Scores) writer.Write(score);
        writer.Write("types");
        writer.WriteArrayHeader(vocabulary.Types.Length);
        foreach (TokenType type in vocabulary.Types) writer.Write((int)type);
        Number(ref writer, "bos", vocabulary.Bos);
        Number(ref writer, "eos", vocabulary.Eos);
        Number(ref writer, "unknown", vocabulary.Unknown);
        Number(ref writer, "end_of_turn", vocabulary.EndOfTurn);
        Flag(ref writer, "add_bos", vocabulary.AddBos);
        Flag(ref writer, "add_eos", vocabulary.AddEos);
        Flag(ref writer, "add_space_prefix", vocabulary.AddSpacePrefix);
        writer.Write("chat_template");
        writer.Write(vocabulary.ChatTemplate);
    }

    /// <summary>Reads and checks what <see cref="Write"/> wrote.</summary>
    public static VocabularyData Read(ref MessagePackReader reader, string path)
    {
        var vocabulary = new VocabularyData("", [], [], [], -1, -1, -1, -1, false, false, false, null);
        for (int left = reader.ReadMapHeader(); left > 0; left--)
        {
            string key = PackedText.Read(ref reader, path);
            vocabulary = key switch
            {
                "model" => vocabulary with { Model = PackedText.Read(ref reader, path) },
                "tokens" => vocabulary with { Tokens = Tokens(ref reader, path) },
                "scores" => vocabulary with { Scores = Scores(ref reader, path) },
                "types" => vocabulary with { Types = Types(ref reader, path) },
                "bos" => vocabulary with { Bos = reader.ReadInt32() },
                "eos" => vocabulary with { Eos = reader.ReadInt32() },
                "unknown" => vocabulary with { Unknown = reader.ReadInt32() },
                "end_of_turn" => vocabulary with { EndOfTurn = reader.ReadInt32() },
                "add_bos" => vocabulary with { AddBos = reader.ReadBoolean() },
                "add_eos" => vocabulary with { AddEos = reader.ReadBoolean() },
                "add_space_prefix" => vocabulary with { AddSpacePrefix = reader.ReadBoolean() },
                "chat_template" => vocabulary with { ChatTemplate = reader.TryReadNil() ? null : PackedText.Read(ref reader, path) },
                _ => throw PackedText.Unknown(path, "tokenizer", key),
            };
        }
        int count = vocabulary.Tokens.Length;
        if (count == 0) throw new ModelFileException(path, "its vocabulary is empty.");
        if (vocabulary.Scores.Length != count || vocabulary.Types.Length != count)
            throw new ModelFileException(path,
                $"its tokenizer has {count} tokens, {vocabulary.Scores.Length} scores and {vocabulary.Types.Length} types.");
        foreach (int special in (ReadOnlySpan<int>)[vocabulary.Bos, vocabulary.Eos, vocabulary.Unknown, vocabulary.EndOfTurn])
            if (special < -1 || special >= count)
                throw new ModelFileException(path, $"special token {special} is not in its vocabulary of {count}.");
        return vocabulary;
    }

    /// <summary>Entries of an array; so many empty ones take a small file, but gigabytes of memory.</summary>
    private static int Count(ref MessagePackReader reader, string path)
    {
        int count = reader.ReadArrayHeader();
        return count <= ModelLimits.MaxVocab
            ? count : throw new ModelFileException(path, $"its tokenizer has {count} tokens, more than {ModelLimits.MaxVocab}.");
    }

    private static string[] Tokens(ref MessagePackReader reader, string path)
    {
        var tokens = new string[Count(ref reader, path)];
        for (int i = 0; i < tokens.Length; i++) tokens[i] = PackedText.Read(ref reader, path);
        return tokens;
    }

    private static float[] Scores(ref MessagePackReader reader, string path)
    {
        var scores = new float[Count(ref reader, path)];
        for (int i = 0; i < scores.Length; i++)
        {
            scores[i] = reader.ReadSingle();
            if (float.IsNaN(scores[i])) throw new ModelFileException(path, $"the score of token {i} is not a number.");
        }
        return scores;
    }

    private static TokenType[] Types(ref MessagePackReader reader, string path)
    {
        var types = new TokenType[Count(ref reader, path)];
        for (int i = 0; i < types.Length; i++)
        {
            long type = reader.ReadInt64();
            if (type is < 0 or > (int)TokenType.Byte) throw new ModelFileException(path, $"token {i} has the unknown type {type}.");
            types[i] = (TokenType)type;
        }
        return types;
    }

    private static void Number(ref MessagePackWriter writer, string key, int value)
    {
        writer.Write(key);
        writer.Write(value);
    }

    private static void Flag(ref MessagePackWriter writer, string key, bool value)
    {
        writer.Write(key);
        writer.Write(value);
    }
}
