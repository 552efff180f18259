namespace MixtralVk.Model;

/// <summary>Sizes of the parts of a KV cache; how they are laid out is in docs/design.md.</summary>
internal static class KvLayout
{
    /// <summary>Dimensions of a head that share a scale in <see cref="KvFormat.Q8_0"/>.</summary>
    public const int ScaleDims = 32;

    /// <summary>Four dimensions of a token to a word; the last one may be short.</summary>
    public static int Quads(int headDim) => (headDim + 3) / 4;

    /// <summary>Words of a token's scales, two to a word.</summary>
    public static int ScaleWords(int headDim) => (headDim + 2 * ScaleDims - 1) / (2 * ScaleDims);

    /// <summary>Bytes of one head's keys, or values, in a page.</summary>
    public static long HeadBytes(this KvFormat format, int headDim) => KvPages.PageTokens * format switch
    {
        KvFormat.F16 => 2L * headDim,
        KvFormat.F32 => 4L * headDim,
        KvFormat.Q8_0 => 4L * (Quads(headDim) + ScaleWords(headDim)),
    };

    /// <summary>Bytes of a layer's keys, or values, in a page.</summary>
    public static long PoolBytes(this KvFormat format, ModelConfig config) => config.KvHeadCount * format.HeadBytes(config.HeadDim);

    /// <summary>Bytes of a page: keys and values of all layers.</summary>
    public static long PageBytes(this KvFormat format, ModelConfig config) => 2L * config.LayerCount * format.PoolBytes(config);
}
