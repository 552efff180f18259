using System.Runtime.InteropServices;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Quantization;

namespace MixtralVk.Testing.Gguf;

/// <summary>
/// A seeded random model of the Mixtral architecture, written as a GGUF file: any shape a test needs. Each tensor's values depend on the
/// seed, its name and its shape only, so the same model in two formats encodes the same floats. Worked example:
/// <code>
/// using var file = new SyntheticModel { Experts = 4, TopK = 3, Weights = WeightFormat.Q4_0, Dim = 64, Hidden = 96 }.WriteTemporary();
/// using var source = ModelSource.Open(file.Path);
/// </code>
/// </summary>
public sealed record SyntheticModel
{
    public int Layers { get; init; } = 2;
    public int Dim { get; init; } = 64;
    public int Heads { get; init; } = 4;
    public int KvHeads { get; init; } = 2;
    /// <summary>Length of one head; written as key_length where it is not Dim / Heads.</summary>
    public int HeadDim { get => field == 0 ? Dim / Heads : field; init; }
    public int Hidden { get; init; } = 96;
    /// <summary>0 makes a dense model.</summary>
    public int Experts { get; init; } = 8;
    public int TopK { get; init; } = 2;
    public int Vocab { get; init; } = 320;
    public int Context { get; init; } = 1024;
    public float RopeBase { get; init; } = 1e6f;
    public RopeScaling RopeScaling { get; init; } = RopeScaling.None;
    /// <summary>Writes <c>rope_freqs.weight</c>: pair i's frequency is divided by 1 + i / 2.</summary>
    public bool RopeFactors { get; init; }
    /// <summary>Rotated part of a head; 0 is the whole.</summary>
    public int RopeDim { get; init; }
    public float Epsilon { get; init; } = 1e-5f;
    public int Seed { get; init; } = 1;
    /// <summary>No output matrix: the embedding serves.</summary>
    public bool TiedOutput { get; init; }
    public uint Version { get; init; } = 3;
    /// <summary>Form of conversations; null for a model that does not chat.</summary>
    public string? ChatTemplate { get; init; }
    /// <summary>One tensor per expert, as in files of early 2024, with the values of the merged ones.</summary>
    public bool SeparateExperts { get; init; }

    /// <summary>Format of every matrix that has none of its own below.</summary>
    public WeightFormat Weights { get; init; } = WeightFormat.F32;
    public WeightFormat? EmbeddingFormat { get; init; }
    public WeightFormat? OutputFormat { get; init; }
    /// <summary>Format of Q, K, V and the attention output.</summary>
    public WeightFormat? AttentionFormat { get; init; }
    /// <summary>Format of gate and up.</summary>
    public WeightFormat? GateUpFormat { get; init; }
    /// <summary>Format of up where it is not that of gate.</summary>
    public WeightFormat? UpFormat { get; init; }
    public WeightFormat? DownFormat { get; init; }
    public WeightFormat RouterFormat { get; init; } = WeightFormat.F32;
    public WeightFormat NormFormat { get; init; } = WeightFormat.F32;

    /// <summary>
    /// Each tensor repeats a run of so many random blocks; 0 makes every value anew. For files of gigabytes, which nobody looks at but a
    /// stopwatch: a prime number of blocks, so that neighbouring rows differ.
    /// </summary>
    public int RepeatedBlocks { get; init; }

    /// <summary>
    /// Damage: name of a tensor and the number (NaN, infinity, a denormal …) that every 7th of its blocks gets as value or scale.
    /// Names as in <see cref="TensorNames"/>.
    /// </summary>
    public IReadOnlyDictionary<string, float> Damage { get; init; } = new Dictionary<string, float>();

    /// <summary>Names of the file's tensors.</summary>
    public IEnumerable<string> TensorNames => Tensors().Select(t => t.Name);

    /// <summary>Writes the file.</summary>
    public void Write(string path) => ToWriter().Save(path);

    /// <summary>Writes the file to the temporary folder; it is deleted with the returned object.</summary>
    public TemporaryFile WriteTemporary()
    {
        var file = new TemporaryFile(".gguf");
        Write(file.Path);
        return file;
    }

    /// <summary>The file's parts, to be changed by a test before writing.</summary>
    public GgufWriter ToWriter()
    {
        var writer = new GgufWriter { Version = Version };
        writer.Add("general.architecture", "llama").Add("general.name", "synthetic")
            .Add("llama.context_length", (uint)Context).Add("llama.embedding_length", (uint)Dim).Add("llama.block_count", (uint)Layers)
            .Add("llama.feed_forward_length", (uint)Hidden).Add("llama.rope.dimension_count", (uint)(RopeDim == 0 ? HeadDim : RopeDim))
            .Add("llama.rope.freq_base", RopeBase).Add("llama.attention.head_count", (uint)Heads)
            .Add("llama.attention.head_count_kv", (uint)KvHeads).Add("llama.attention.layer_norm_rms_epsilon", Epsilon);
        if (HeadDim * Heads != Dim)
            writer.Add("llama.attention.key_length", (uint)HeadDim).Add("llama.attention.value_length", (uint)HeadDim);
        if (Experts > 0) writer.Add("llama.expert_count", (uint)Experts).Add("llama.expert_used_count", (uint)TopK);
        AddRopeScaling(writer);
        SyntheticVocabulary.AddTo(writer, Vocab);
        if (ChatTemplate is not null) writer.Add("tokenizer.chat_template", ChatTemplate);
        if (RopeFactors)
        {
            float[] factors = [.. Enumerable.Range(0, (RopeDim == 0 ? HeadDim : RopeDim) / 2).Select(i => 1 + i / 2f)];
            writer.AddTensor("rope_freqs.weight", GgmlType.F32, [factors.Length], MemoryMarshal.AsBytes(factors.AsSpan()).ToArray());
        }
        foreach (Tensor tensor in Tensors())
        {
            GgmlType type = Quantizer.TypeOf(tensor.Format);
            if (SeparateExperts && tensor.Dimensions.Length == 3) AddSeparately(writer, tensor);
            else if (RepeatedBlocks > 0)
                writer.AddTensor(tensor.Name, type, tensor.Dimensions, tensor.Count / type.Block().Elements * type.Block().Bytes,
                    stream => Repeat(tensor, stream));
            else writer.AddTensor(tensor.Name, type, tensor.Dimensions, Data(tensor));
        }
        return writer;
    }

    private void AddRopeScaling(GgufWriter writer)
    {
        if (RopeScaling == RopeScaling.None) return;
        const string section = "llama.rope.scaling.";
        writer.Add(section + "type", RopeScaling.Kind.ToString().ToLowerInvariant()).Add(section + "factor", RopeScaling.Factor)
            .Add(section + "attn_factor", RopeScaling.AttentionFactor);
        if (RopeScaling.Kind != RopeScalingKind.Yarn) return;
        writer.Add(section + "original_context_length", (uint)RopeScaling.OriginalContext)
            .Add(section + "yarn_beta_fast", RopeScaling.BetaFast).Add(section + "yarn_beta_slow", RopeScaling.BetaSlow);
    }

    private void AddSeparately(GgufWriter writer, Tensor merged)
    {
        byte[] data = Data(merged);
        int bytes = data.Length / Experts;
        for (int expert = 0; expert < Experts; expert++)
            writer.AddTensor(merged.Name.Replace("_exps", $".{expert}"), Quantizer.TypeOf(merged.Format), merged.Dimensions[..2],
                data[(expert * bytes)..((expert + 1) * bytes)]);
    }

    /// <summary>The floats a tensor was quantised from, in the file's order (columns fastest); damage is not in them.</summary>
    public float[] Values(string tensorName)
    {
        Tensor tensor = Tensors().Single(t => t.Name == tensorName);
        return Values(tensor, tensor.Count);
    }

    private IEnumerable<Tensor> Tensors()
    {
        float dimScale = 1 / MathF.Sqrt(Dim), hiddenScale = 1 / MathF.Sqrt(Hidden), headScale = 1 / MathF.Sqrt(Heads * HeadDim);
        WeightFormat attention = AttentionFormat ?? Weights, gateUp = GateUpFormat ?? Weights;
        yield return new("token_embd.weight", [Dim, Vocab], EmbeddingFormat ?? Weights, 0.5f);
        for (int layer = 0; layer < Layers; layer++)
        {
            string p = $"blk.{layer}.", s = Experts > 0 ? "_exps.weight" : ".weight";
            long[] experts = Experts > 0 ? [Experts] : [];
            yield return new(p + "attn_norm.weight", [Dim], NormFormat, 0.1f, Mean: 1);
            yield return new(p + "attn_q.weight", [Dim, Heads * HeadDim], attention, 1.2f * dimScale);
            yield return new(p + "attn_k.weight", [Dim, KvHeads * HeadDim], attention, 1.2f * dimScale);
            yield return new(p + "attn_v.weight", [Dim, KvHeads * HeadDim], attention, dimScale);
            yield return new(p + "attn_output.weight", [Heads * HeadDim, Dim], attention, headScale);
            yield return new(p + "ffn_norm.weight", [Dim], NormFormat, 0.1f, Mean: 1);
            if (Experts > 0) yield return new(p + "ffn_gate_inp.weight", [Dim, Experts], RouterFormat, 4 * dimScale);
            yield return new(p + "ffn_gate" + s, [Dim, Hidden, .. experts], gateUp, dimScale);
            yield return new(p + "ffn_up" + s, [Dim, Hidden, .. experts], UpFormat ?? gateUp, dimScale);
            yield return new(p + "ffn_down" + s, [Hidden, Dim, .. experts], DownFormat ?? Weights, 2 * hiddenScale);
        }
        yield return new("output_norm.weight", [Dim], NormFormat, 0.1f, Mean: 1);
        if (!TiedOutput) yield return new("output.weight", [Dim, Vocab], OutputFormat ?? Weights, 2 * dimScale);
    }

    private void Repeat(Tensor tensor, Stream stream)
    {
        (int elements, int bytes) = Quantizer.TypeOf(tensor.Format).Block();
        byte[] run = Quantizer.Quantize(tensor.Format, Values(tensor, Math.Min(tensor.Count, (long)RepeatedBlocks * elements)));
        for (long left = tensor.Count / elements * bytes; left > 0; left -= run.Length)
            stream.Write(run, 0, (int)Math.Min(left, run.Length));
    }

    private byte[] Data(Tensor tensor)
    {
        byte[] data = Quantizer.Quantize(tensor.Format, Values(tensor, tensor.Count));
        if (Damage.TryGetValue(tensor.Name, out float number)) Quantizer.Poison(tensor.Format, data, number, every: 7);
        return data;
    }

    /// <summary>A sum of four uniform numbers is near enough to a normal one and has the same bits on every platform.</summary>
    private float[] Values(Tensor tensor, long count)
    {
        uint hash = 2166136261 ^ (uint)Seed;
        foreach (char c in tensor.Name) hash = (hash ^ c) * 16777619;
        var random = new Random((int)hash);
        var values = new float[count];
        float scale = tensor.Deviation * MathF.Sqrt(3);
        for (int i = 0; i < values.Length; i++)
            values[i] = tensor.Mean + scale * (random.NextSingle() + random.NextSingle() + random.NextSingle() + random.NextSingle() - 2);
        return values;
    }

    private readonly record struct Tensor(string Name, long[] Dimensions, WeightFormat Format, float Deviation, float Mean = 0)
    {
        public long Count => Dimensions.Aggregate(1L, (product, size) => product * size);
    }
}
