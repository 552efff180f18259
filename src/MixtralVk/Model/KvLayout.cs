using System.Numerics;
using System.Runtime.InteropServices;

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

    /// <summary>False where a page that came from outside holds a key, a value or a scale that is not finite.</summary>
    public static bool IsFinite(this KvFormat format, ModelConfig config, ReadOnlySpan<byte> page)
    {
        if (format == KvFormat.F32) return AllFinite(MemoryMarshal.Cast<byte, uint>(page), 0x7F80_0000u);
        ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(page);
        if (format == KvFormat.F16) return AllFinite<ushort>(halves, 0x7C00);
        int head = (int)format.HeadBytes(config.HeadDim) / sizeof(ushort), scales = 2 * KvPages.PageTokens * ScaleWords(config.HeadDim);
        for (int end = head; end <= halves.Length; end += head)
            if (!AllFinite<ushort>(halves[(end - scales)..end], 0x7C00)) return false;
        return true;
    }

    private static bool AllFinite<T>(ReadOnlySpan<T> bits, T exponent) where T : unmanaged, IBinaryInteger<T>
    {
        foreach (T value in bits)
            if ((value & exponent) == exponent) return false;
        return true;
    }

    /// <summary>Bytes of a layer's keys, or values, in a page.</summary>
    public static long PoolBytes(this KvFormat format, ModelConfig config) => config.KvHeadCount * format.HeadBytes(config.HeadDim);

    /// <summary>Bytes of a page: keys and values of all layers.</summary>
    public static long PageBytes(this KvFormat format, ModelConfig config) => 2L * config.LayerCount * format.PoolBytes(config);
}
