using MessagePack;
using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Packing;

/// <summary>
/// The model's sizes in the header: a map by name. A key this version does not know is refused, as it may change results.
/// </summary>
internal static class PackedConfig
{
    public static void Write(ref MessagePackWriter writer, ModelConfig config)
    {
        writer.WriteMapHeader(15);
        writer.Write("name");
        writer.Write(config.Name);
        Number(ref writer, "layer_count", config.LayerCount);
        Number(ref writer, "dim", config.Dim);
        Number(ref writer, "head_count", config.HeadCount);
        Number(ref writer, "kv_head_count", config.KvHeadCount);
        Number(ref writer, "head_dim", config.HeadDim);
        Number(ref writer, "hidden_dim", config.HiddenDim);
        Number(ref writer, "expert_count", config.ExpertCount);
        Number(ref writer, "experts_per_token", config.ExpertsPerToken);
        Number(ref writer, "context_length", config.ContextLength);
        Number(ref writer, "rope_dim", config.RopeDim);
        writer.Write("rope_base");
        writer.Write(config.RopeBase);
        writer.Write("rms_epsilon");
        writer.Write(config.RmsEpsilon);
        writer.Write("rope_scaling");
        writer.WriteArrayHeader(6);
        writer.Write((int)config.RopeScaling.Kind);
        writer.Write(config.RopeScaling.Factor);
        writer.Write(config.RopeScaling.AttentionFactor);
        writer.Write(config.RopeScaling.OriginalContext);
        writer.Write(config.RopeScaling.BetaFast);
        writer.Write(config.RopeScaling.BetaSlow);
        writer.Write("rope_factors");
        writer.WriteArrayHeader(config.RopeFactors.Count);
        foreach (float factor in config.RopeFactors) writer.Write(factor);
    }

    /// <summary>
    /// Reads what <see cref="Write"/> wrote; the vocabulary's size comes from the tokenizer. Whether the sizes make sense is for the
    /// caller.
    /// </summary>
    public static ModelConfig Read(ref MessagePackReader reader, string path)
    {
        var config = new ModelConfig
        {
            Name = "", LayerCount = 0, Dim = 0, HeadCount = 0, KvHeadCount = 0, HeadDim = 0, HiddenDim = 0, ExpertCount = -1,
            ExpertsPerToken = -1,
            VocabSize = 0, ContextLength = 0, RopeBase = 0, RopeDim = 0, RmsEpsilon = 0,
        };
        for (int left = reader.ReadMapHeader(); left > 0; left--)
        {
            string key = PackedText.Read(ref reader, path);
            config = key switch
            {
                "name" => config with { Name = PackedText.Read(ref reader, path) },
                "layer_count" => config with { LayerCount = reader.ReadInt32() },
                "dim" => config with { Dim = reader.ReadInt32() },
                "head_count" => config with { HeadCount = reader.ReadInt32() },
                "kv_head_count" => config with { KvHeadCount = reader.ReadInt32() },
                "head_dim" => config with { HeadDim = reader.ReadInt32() },
                "hidden_dim" => config with { HiddenDim = reader.ReadInt32() },
                "expert_count" => config with { ExpertCount = reader.ReadInt32() },
                "experts_per_token" => config with { ExpertsPerToken = reader.ReadInt32() },
                "context_length" => config with { ContextLength = reader.ReadInt32() },
                "rope_dim" => config with { RopeDim = reader.ReadInt32() },
                "rope_base" => config with { RopeBase = reader.ReadSingle() },
                "rope_scaling" => config with { RopeScaling = Scaling(ref reader, path) },
                "rope_factors" => config with { RopeFactors = Floats(ref reader) },
                "rms_epsilon" => config with { RmsEpsilon = reader.ReadSingle() },
                _ => throw PackedText.Unknown(path, "config", key),
            };
        }
        return config;
    }

    private static RopeScaling Scaling(ref MessagePackReader reader, string path)
    {
        if (reader.ReadArrayHeader() != 6) throw new ModelFileException(path, "its rope_scaling does not have six values.");
        return new RopeScaling((RopeScalingKind)reader.ReadInt32(), reader.ReadSingle(), reader.ReadSingle(), reader.ReadInt32(),
            reader.ReadSingle(), reader.ReadSingle());
    }

    private static float[] Floats(ref MessagePackReader reader)
    {
        var values = new float[reader.ReadArrayHeader()];
        for (int i = 0; i < values.Length; i++) values[i] = reader.ReadSingle();
        return values;
    }

    private static void Number(ref MessagePackWriter writer, string key, int value)
    {
        writer.Write(key);
        writer.Write(value);
    }
}
