using System.Text;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Testing.Fuzzing;

/// <summary>GGUF files: header, configuration, vocabulary, weights.</summary>
internal class GgufTarget : FuzzTarget
{
    private static readonly SyntheticModel Small = new()
        { Layers = 1, Dim = 8, Heads = 2, KvHeads = 1, HeadDim = 4, Hidden = 6, Experts = 2, TopK = 1, Vocab = 12 };

    private static readonly SyntheticModel[] Models =
    [
        Small,
        Small with { SeparateExperts = true, RopeScaling = new RopeScaling(RopeScalingKind.Yarn, 4, 1, 64) },
        Small with { Experts = 0, TiedOutput = true, RopeFactors = true, Weights = WeightFormat.F16 },
        Small with { Dim = 32, HeadDim = 16, Hidden = 32, Weights = WeightFormat.Q8_0, RouterFormat = WeightFormat.Q4_0,
            Vocab = 300, Version = 2 },
        Small with { Dim = 256, HeadDim = 128, Hidden = 256, Experts = 0, Vocab = 4, Weights = WeightFormat.Q4_K,
            DownFormat = WeightFormat.Q6_K, AttentionFormat = WeightFormat.Q5_K },
    ];

    private static readonly GgufWriter[] Writers = [.. Models.Select(WithTemplate)];

    private static readonly string[] Keys =
    [
        "general.alignment", "general.architecture", "general.quantization_version", "llama.context_length", "llama.embedding_length",
        "llama.block_count",
        "llama.feed_forward_length", "llama.rope.dimension_count", "llama.rope.freq_base", "llama.rope.scaling.type",
        "llama.rope.scaling.factor",
        "llama.rope.scaling.original_context_length", "llama.rope.scaling.yarn_beta_fast", "llama.attention.head_count",
        "llama.attention.head_count_kv",
        "llama.attention.key_length", "llama.attention.value_length", "llama.attention.sliding_window",
        "llama.attention.layer_norm_rms_epsilon",
        "llama.expert_count", "llama.expert_used_count", "split.count", "split.no", "tokenizer.ggml.model", "tokenizer.ggml.tokens",
        "tokenizer.ggml.scores",
        "tokenizer.ggml.token_type", "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.add_bos_token",
        "tokenizer.chat_template",
    ];

    private static readonly string[] Texts =
        ["", "llama", "yarn", "linear", "[INST] {{ x }} [/INST]", "<0x0A>", "\u2581", "\0", "a b", "𝄞", new string('x', 2000)];

    public override string Name => "gguf";

    public override IReadOnlyList<byte[]> Seeds { get; } = [.. Writers.Select(writer => writer.ToBytes())];

    public override byte[] Generate(Random random) => Lie(random, Mutation.Pick(random, Writers)).ToBytes();

    /// <summary>The header is a few hundred bytes up to some kilobytes; the data behind it is only copied.</summary>
    public override byte[] Mutate(Random random, byte[] input) => Mutation.OfBytes(random, input, 4096);

    public override void Run(byte[] input, string folder)
    {
        string path = Path.Combine(folder, "input.gguf");
        File.WriteAllBytes(path, input);
        Use(path);
    }

    /// <summary>A model's parts, with a conversation's form, so that a good file is accepted to its end.</summary>
    protected static GgufWriter WithTemplate(SyntheticModel model) =>
        model.ToWriter().Add("tokenizer.chat_template", TokenizerTarget.Template);

    /// <summary>A model's parts with a few wrong values or tensors.</summary>
    protected static GgufWriter Lie(Random random, GgufWriter model)
    {
        GgufWriter writer = model.Copy(random.Next(20) == 0 ? (uint)Mutation.Integer(random) : model.Version);
        string[] names = [.. writer.TensorNames];
        for (int lie = random.Next(4); lie > 0; lie--)
        {
            string key = Mutation.Pick(random, Keys), name = Mutation.Pick(random, names);
            switch (random.Next(8))
            {
                case 0: writer.Remove(key); break;
                case 1: writer.RemoveTensor(name); break;
                case 2: AddTensor(random, writer.RemoveTensor(name), name); break;
                case 3: AddTensor(random, writer, Mutation.Pick(random, Texts)); break;
                case 4: AddValue(random, writer, key); break;
                default: AddValue(random, writer.Remove(key), key); break;
            }
        }
        return writer;
    }

    /// <summary>Opens a model and looks at everything in it.</summary>
    protected static void Use(string path)
    {
        using ModelSource source = ModelSource.Open(path);
        ModelConfig config = source.Config;
        source.Describe();
        RopeTable.Fill(config, new float[4 * config.RopeDim]);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            foreach (MatrixRole role in Enum.GetValues<MatrixRole>())
            {
                // Tiles are padded to 64 rows, so the buffer is this program's size, not the file's: one tile at a time, and not a huge
                // one.
                for (int expert = 0; expert < Math.Max(1, config.ExpertCount); expert++)
                {
                    RowTileLayout layout = source.Layout(role, layer, expert);
                    if (layout.TileBytes <= Tile.Length)
                        source.CopyTiles(role, layer, expert, layout.Tiles - 1, 1, Tile.AsSpan(0, (int)layout.TileBytes));
                }
            }
            source.Norm(NormRole.Attention, layer);
            source.Norm(NormRole.FeedForward, layer);
            if (config.IsSparse) source.Router(layer);
        }
        source.Norm(NormRole.Output);
        TokenizerTarget.Use(source.Vocabulary, "Hello, wor\u2581ld \u00e9\ud834\udd1e <s> [INST]");
    }

    private static byte[] Tile { get; } = new byte[1 << 20];

    private static void AddTensor(Random random, GgufWriter writer, string name)
    {
        var type = (GgmlType)random.Next(-1, 42);
        long[] dimensions =
            [.. Enumerable.Range(0, random.Next(6)).Select(_ => random.Next(3) == 0 ? Mutation.Integer(random) : 1L << random.Next(10))];
        writer.AddTensor(name, type, dimensions, new byte[random.Next(2000)], random.Next(3) == 0 ? (ulong)Mutation.Integer(random) : null);
    }

    private static void AddValue(Random random, GgufWriter writer, string key)
    {
        long value = Mutation.Integer(random);
        switch (random.Next(9))
        {
            case 0: writer.Add(key, (uint)value); break;
            case 1: writer.Add(key, (int)value); break;
            case 2: writer.Add(key, (ulong)value); break;
            case 3: writer.Add(key, BitConverter.Int32BitsToSingle((int)value)); break;
            case 4: writer.Add(key, random.Next(2) == 0); break;
            case 5: writer.Add(key, Mutation.Pick(random, Texts)); break;
            case 6: writer.Add(key, (string[])[.. Enumerable.Range(0, random.Next(20)).Select(_ => Mutation.Pick(random, Texts))]); break;
            case 7: writer.Add(key, (float[])[.. Enumerable.Range(0, random.Next(20)).Select(_ => random.NextSingle())]); break;
            case 8: // an array that states another count than it has
                writer.Add(key, GgufValueType.Array, w =>
                {
                    w.Write((uint)random.Next(14));
                    w.Write(value);
                    w.Write(Encoding.UTF8.GetBytes(Mutation.Pick(random, Texts)));
                });
                break;
        }
    }
}

/// <summary>Models in two files, one after the other in the input: the first part's length as four bytes, then both.</summary>
internal sealed class SplitGgufTarget : GgufTarget
{
    private static readonly GgufWriter Good =
        WithTemplate(new SyntheticModel { Layers = 1, Dim = 8, Heads = 2, KvHeads = 1, HeadDim = 4, Hidden = 6, Experts = 2,
        TopK = 1, Vocab = 12 });

    public override string Name => "gguf-split";

    public override IReadOnlyList<byte[]> Seeds { get; } = [Join(Good.Split(2))];

    public override byte[] Generate(Random random) => Join(Lie(random, Good).Split(2));

    public override void Run(byte[] input, string folder)
    {
        int first = input.Length < 4 ? 0 : Math.Clamp(BitConverter.ToInt32(input), 0, input.Length - 4);
        int start = Math.Min(4, input.Length);
        string path = Path.Combine(folder, "input-00001-of-00002.gguf");
        File.WriteAllBytes(path, input[start..(start + first)]);
        File.WriteAllBytes(Path.Combine(folder, "input-00002-of-00002.gguf"), input[(start + first)..]);
        Use(path);
    }

    private static byte[] Join(GgufWriter[] parts)
    {
        byte[] first = parts[0].ToBytes();
        return [.. BitConverter.GetBytes(first.Length), .. first, .. parts[1].ToBytes()];
    }
}
