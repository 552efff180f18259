using System.Text;
using System.Text.Json;
using MixtralVk.Conversion;
using MixtralVk.Testing.Checkpoints;

namespace MixtralVk.Testing.Fuzzing;

/// <summary>Safetensors files.</summary>
internal sealed class SafetensorsTarget : FuzzTarget
{
    private static readonly byte[] Data = new byte[512];

    private static readonly string Header =
        """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[4,8],"data_offsets":[0,128]},"b":{"dtype":"BF16","shape":[64],"data_offsets":[128,256]},"c":{"dtype":"F16","shape":[],"data_offsets":[256,258]}}""";

    public override string Name => "safetensors";

    public override IReadOnlyList<byte[]> Seeds { get; } = [SafetensorsWriter.File(Header, Data), SafetensorsWriter.File("{}", [])];

    public override byte[] Generate(Random random) =>
        SafetensorsWriter.File(Mutation.OfJson(random, Header), Data[..random.Next(Data.Length)]);

    /// <summary>Either the header's text with a length that is right again, or any bytes.</summary>
    public override byte[] Mutate(Random random, byte[] input)
    {
        int header = input.Length < 8 ? -1 : (int)Math.Clamp(BitConverter.ToInt64(input), -1, int.MaxValue);
        if (header < 0 || header > input.Length - 8 || random.Next(4) == 0) return Mutation.OfBytes(random, input, 300);
        return SafetensorsWriter.File(Mutation.OfJson(random, Encoding.UTF8.GetString(input, 8, header)), input[(8 + header)..]);
    }

    public override void Run(byte[] input, string folder)
    {
        string path = Path.Combine(folder, "input.safetensors");
        File.WriteAllBytes(path, input);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach (SafetensorsTensor tensor in file.Tensors.Values)
        {
            var values = new float[Math.Min(tensor.Bytes / 4, 16)];
            file.Read(tensor, 0, values, new byte[256]);
        }
    }
}

/// <summary>SentencePiece models (<c>tokenizer.model</c>).</summary>
internal sealed class SentencePieceTarget : FuzzTarget
{
    public override string Name => "sentencepiece";

    public override IReadOnlyList<byte[]> Seeds { get; } = [Model(40), Model(0)];

    public override byte[] Generate(Random random) => Mutation.OfBytes(random, Model(random.Next(60)), 1000);

    public override void Run(byte[] input, string folder) =>
        TokenizerTarget.Use(SentencePieceModel.Read("tokenizer.model", input) with { ChatTemplate = TokenizerTarget.Template },
            "Hello, wor\u2581ld \u00e9 <s>");

    /// <summary>Pieces (field 1: text 1, score 2, type 3) and the trainer's settings (field 2) with the kind BPE (field 3).</summary>
    private static byte[] Model(int pieces)
    {
        var bytes = new List<byte>();
        for (int i = 0; i < pieces + 3; i++)
        {
            byte[] text = Encoding.UTF8.GetBytes(i switch { 0 => "<unk>", 1 => "<s>", 2 => "</s>",
                _ => $"\u2581{(char)('a' + i % 26)}{i}" });
            byte[] piece = [0x0A, (byte)text.Length, .. text, 0x15, .. BitConverter.GetBytes(-(float)i), 0x18,
                (byte)(i switch { 0 => 2, < 3 => 3, _ => 1 })];
            bytes.AddRange([0x0A, (byte)piece.Length, .. piece]);
        }
        return [.. bytes, 0x12, 2, 0x18, 2];
    }
}

/// <summary>Hugging Face vocabularies (<c>tokenizer.json</c>).</summary>
internal sealed class TokenizerJsonTarget : FuzzTarget
{
    private static readonly string Good = JsonSerializer.Serialize(new
    {
        added_tokens = new object[]
        {
            new { id = 0, content = "<unk>", special = true }, new { id = 1, content = "<s>", special = true },
            new { id = 2, content = "</s>", special = true },
        },
        normalizer = new { type = "Sequence", normalizers = new object[] { new { type = "Prepend", prepend = "\u2581" } } },
        pre_tokenizer = (object?)null,
        model = new
        {
            type = "BPE", byte_fallback = true, unk_token = "<unk>", fuse_unk = true,
            vocab = new Dictionary<string, int> { ["<unk>"] = 0, ["<s>"] = 1, ["</s>"] = 2, ["<0x00>"] = 3, ["a"] = 4, ["b"] = 5,
                ["ab"] = 6, ["\u2581"] = 7 },
            merges = (string[])["a b"],
        },
    });

    public override string Name => "tokenizer-json";

    public override IReadOnlyList<byte[]> Seeds { get; } = [Encoding.UTF8.GetBytes(Good)];

    public override byte[] Generate(Random random) => Encoding.UTF8.GetBytes(Mutation.OfJson(random, Good));

    public override byte[] Mutate(Random random, byte[] input) =>
        random.Next(4) == 0 ? Mutation.OfBytes(random, input, input.Length)
            : Encoding.UTF8.GetBytes(Mutation.OfJson(random, Encoding.UTF8.GetString(input)));

    public override void Run(byte[] input, string folder)
    {
        using JsonFile file = JsonFile.Parse("tokenizer.json", input);
        TokenizerTarget.Use(TokenizerJson.Read(file) with { ChatTemplate = TokenizerTarget.Template }, "Hello, abab \u00e9 <s>");
    }
}
