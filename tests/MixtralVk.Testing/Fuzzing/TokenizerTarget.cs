using System.Buffers.Binary;
using System.Text;
using MixtralVk.Tokenization;

namespace MixtralVk.Testing.Fuzzing;

/// <summary>
/// Vocabularies as a file may state them, a chat template and a text. The input is read as a stream of choices, so that any bytes are an
/// input.
/// </summary>
internal sealed class TokenizerTarget : FuzzTarget
{
    private static readonly string[] Pieces =
    [
        "\u2581", "a", "b", "ab", "\u2581a", "aa", "aaaa", "<0x00>", "<0xFF>", "<0xZZ>", "<0x0>", "<s>", "</s>", "<unk>", "[INST]",
        "[/INST]", "", "\0", "\ufffd",
        "\u00e9", "e\u0301", "\ud834\udd1e", "\ud834", "\udd1e", "abab", "\u2581\u2581", "\n", new string('a', 300),
    ];

    private static readonly string[] Templates =
    [
        "{% for message in messages %}[INST] {{ message['content'] }} [/INST]{% endfor %}", "[INST]{{ x }}[/INST]",
        "[INST] [/INST] loop.last and system", "", " ",
        "<|im_start|>", "[AVAILABLE_TOOLS] [INST] [/INST]", "[SYSTEM_PROMPT][INST] [/INST]", "[", "[[[[[[[[[[INST]",
        new string('[', 5000) + "INST]",
    ];

    /// <summary>A chat template that is known.</summary>
    public static string Template => "[INST] {{ question }} [/INST] {{ answer }}";

    public override string Name => "tokenizer";

    // The first one is a vocabulary of one token that begins and ends texts, and a known template.
    public override IReadOnlyList<byte[]> Seeds { get; } =
        [[1, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0], .. Enumerable.Range(0, 8).Select(seed => Bytes(new Random(seed), 600))];

    public override byte[] Generate(Random random) => Bytes(random, random.Next(4000));

    /// <summary>A byte can stand for a piece of 300 characters, each of which is a symbol of the merger.</summary>
    public override long AllowedBytes(int length) => (16 << 20) + 16384L * length;

    public override void Run(byte[] input, string folder)
    {
        var choices = new Choices(input);
        int[] special = [choices.Next(512), choices.Next(512), choices.Next(512), choices.Next(512)];
        (bool addBos, bool addEos, bool addSpace) = (choices.Next(2) == 0, choices.Next(2) == 0, choices.Next(2) == 0);
        string? template = choices.Next(2) == 0 ? null : choices.Text(Templates);
        int count = 1 + choices.Next(300);
        bool withBytes = choices.Next(4) > 0;
        var tokens = new List<string>();
        var types = new List<TokenType>();
        for (int i = 0; i < 256 && withBytes; i++)
        {
            tokens.Add($"<0x{i:X2}>");
            types.Add(TokenType.Byte);
        }
        for (int i = 0; i < count; i++)
        {
            tokens.Add(choices.Text(Pieces));
            types.Add((TokenType)choices.Next(7));
        }
        float[] scores = [.. tokens.Select(_ => choices.Score())];
        // -1 is none
        int[] ids = [.. special.Select(id => id % (tokens.Count + 1) - 1)];
        var data = new VocabularyData(
            "llama", [.. tokens], scores, [.. types], ids[0], ids[1], ids[2], ids[3], addBos, addEos, addSpace, template);
        var text = new StringBuilder();
        for (int parts = choices.Next(200); parts > 0; parts--) text.Append(choices.Text(Pieces));
        Use(data, text.ToString());
    }

    /// <summary>Encodes and decodes a text and a conversation; what comes of it must be tokens of the vocabulary.</summary>
    public static void Use(VocabularyData data, string text)
    {
        var tokenizer = new Tokenizer(data);
        foreach (bool parseSpecial in (bool[])[false, true])
        {
            int[] ids = tokenizer.Encode(text, parseSpecial: parseSpecial);
            if (ids.Any(id => (uint)id >= (uint)tokenizer.VocabSize))
                throw new InvalidOperationException("A token that is not in the vocabulary.");
            tokenizer.Decode(ids);
        }
        ChatTemplate.Recognize(tokenizer, data.ChatTemplate)
            .Encode([new ChatMessage(ChatRole.System, text), new ChatMessage(ChatRole.User, text)]);
    }

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>Takes choices from bytes, zeros after their end.</summary>
    private sealed class Choices(byte[] bytes)
    {
        private int _at;

        public int Next(int below)
        {
            int value = Byte() | (below > 256 ? Byte() << 8 : 0);
            return value % below;
        }

        /// <summary>One of the given texts, or a few characters of any kind, lone surrogates among them.</summary>
        public string Text(string[] of) =>
            Next(3) > 0 ? of[Next(of.Length)] : string.Concat(Enumerable.Range(0, Next(6)).Select(_ => (char)(Byte() << (Next(2) * 8))));

        public float Score()
        {
            float score = Next(4) > 0 ? -Byte() : BinaryPrimitives.ReadSingleLittleEndian([Byte(), Byte(), Byte(), Byte()]);
            return float.IsNaN(score) ? float.NegativeInfinity : score; // a file's are no NaN
        }

        private byte Byte() => _at < bytes.Length ? bytes[_at++] : (byte)0;
    }
}
