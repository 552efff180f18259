using MixtralVk.Model;

namespace MixtralVk.Testing.Kernels;

/// <summary>Key and value pools as docs/design.md lays them out, written by plain loops.</summary>
internal sealed class KvPool
{
    private readonly int _kvHeads, _headDim;

    public KvPool(KvFormat format, int pages, int kvHeads, int headDim)
    {
        (Format, _kvHeads, _headDim) = (format, kvHeads, headDim);
        int words = pages * kvHeads * headDim * KvPages.PageTokens / (format == KvFormat.F16 ? 2 : 1);
        Keys = new uint[words];
        Values = new uint[words];
        Array.Fill(Keys, CaseBuffer.Poison);
        Array.Fill(Values, CaseBuffer.Poison);
    }

    public KvFormat Format { get; }

    public uint[] Keys { get; }

    public uint[] Values { get; }

    /// <summary>Stores one token; <paramref name="key"/> and <paramref name="value"/> are (kvHeads, headDim).</summary>
    public void Write(int page, int slot, ReadOnlySpan<float> key, ReadOnlySpan<float> value)
    {
        const int tokens = KvPages.PageTokens;
        for (int head = 0; head < _kvHeads; head++)
            for (int d = 0; d < _headDim; d++)
            {
                int run = page * _kvHeads + head, i = head * _headDim + d;
                if (Format == KvFormat.F32)
                {
                    Keys[(run * _headDim + d) * tokens + slot] = BitConverter.SingleToUInt32Bits(key[i]);
                    Values[(run * tokens + slot) * _headDim + d] = BitConverter.SingleToUInt32Bits(value[i]);
                }
                else
                {
                    SetHalf(ref Keys[(run * _headDim / 2 + d / 2) * tokens + slot], d % 2, key[i]);
                    SetHalf(ref Values[(run * tokens + slot) * _headDim / 2 + d / 2], d % 2, value[i]);
                }
            }
    }

    /// <summary>The first dimension of a head that a word of <see cref="Keys"/> holds.</summary>
    public int DimensionOfKey(int word)
    {
        int dimensions = Format == KvFormat.F16 ? 2 : 1;
        return word / KvPages.PageTokens * dimensions % _headDim;
    }

    /// <summary>What a word holds.</summary>
    public float[] Unpack(uint word) => Format == KvFormat.F32 ? [BitConverter.UInt32BitsToSingle(word)]
        : [(float)BitConverter.UInt16BitsToHalf((ushort)word), (float)BitConverter.UInt16BitsToHalf((ushort)(word >> 16))];

    private static void SetHalf(ref uint word, int half, float value)
    {
        uint bits = BitConverter.HalfToUInt16Bits((Half)value);
        word = half == 0 ? word & 0xFFFF0000 | bits : word & 0xFFFF | bits << 16;
    }
}
