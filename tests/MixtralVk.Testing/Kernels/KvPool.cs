using MixtralVk.Model;
using KvReference = MixtralVk.Reference.KvWrite;

namespace MixtralVk.Testing.Kernels;

/// <summary>Key and value pools as docs/design.md lays them out, written and read by plain loops.</summary>
internal sealed class KvPool
{
    private const int Tokens = KvPages.PageTokens;

    private readonly int _kvHeads, _headDim;

    public KvPool(KvFormat format, int pages, int kvHeads, int headDim)
        : this(format, kvHeads, headDim, new uint[pages * kvHeads * HeadWords(format, headDim)],
        new uint[pages * kvHeads * HeadWords(format, headDim)])
    {
        Array.Fill(Keys, CaseBuffer.Poison);
        Array.Fill(Values, CaseBuffer.Poison);
    }

    /// <summary>Pools that something else has written.</summary>
    public KvPool(KvFormat format, int kvHeads, int headDim, uint[] keys, uint[] values) =>
        (Format, _kvHeads, _headDim, Keys, Values) = (format, kvHeads, headDim, keys, values);

    public KvFormat Format { get; }

    public uint[] Keys { get; }

    public uint[] Values { get; }

    /// <summary>Words of a head's keys or values in a page.</summary>
    private static int HeadWords(KvFormat format, int headDim) => Tokens * format switch
    {
        KvFormat.F16 => headDim / 2,
        KvFormat.F32 => headDim,
        KvFormat.Q8_0 => (headDim + 3) / 4 + (headDim + 63) / 64,
    };

    /// <summary>Stores one token; <paramref name="key"/> and <paramref name="value"/> are (kvHeads, headDim).</summary>
    public void Write(int page, int slot, ReadOnlySpan<float> key, ReadOnlySpan<float> value)
    {
        for (int head = 0; head < _kvHeads; head++)
            if (Format == KvFormat.Q8_0)
            {
                WriteQuants(Keys, page, head, slot, key.Slice(head * _headDim, _headDim), isKey: true);
                WriteQuants(Values, page, head, slot, value.Slice(head * _headDim, _headDim), isKey: false);
            }
            else
                for (int d = 0; d < _headDim; d++)
                {
                    WriteNumber(Keys, KeyWord(page, head, d, slot), d, key[head * _headDim + d]);
                    WriteNumber(Values, ValueWord(page, head, d, slot), d, value[head * _headDim + d]);
                }
    }

    /// <summary>The key and the value of a token, (kvHeads, headDim) each.</summary>
    public (float[] Key, float[] Value) Read(int page, int slot)
    {
        var (key, value) = (new float[_kvHeads * _headDim], new float[_kvHeads * _headDim]);
        for (int head = 0; head < _kvHeads; head++)
            for (int d = 0; d < _headDim; d++)
            {
                key[head * _headDim + d] = Number(Keys, KeyWord(page, head, d, slot), page, head, d, slot);
                value[head * _headDim + d] = Number(Values, ValueWord(page, head, d, slot), page, head, d, slot);
            }
        return (key, value);
    }

    private int Dims => Format switch { KvFormat.F16 => 2, KvFormat.F32 => 1, KvFormat.Q8_0 => 4 }; // of a word

    private int HeadStart(int page, int head) => (page * _kvHeads + head) * HeadWords(Format, _headDim);

    private int KeyWord(int page, int head, int d, int slot) => HeadStart(page, head) + d / Dims * Tokens + slot;

    private int ValueWord(int page, int head, int d, int slot) => HeadStart(page, head) + slot * ((_headDim + Dims - 1) / Dims) + d / Dims;

    private int ScaleWord(int page, int head, int d, int slot) => HeadStart(page, head) + ((_headDim + 3) / 4 + d / 64) * Tokens + slot;

    private void WriteQuants(uint[] pool, int page, int head, int slot, ReadOnlySpan<float> vector, bool isKey)
    {
        // Whole words are written: what is past the head's length is zero.
        for (int d = 0; d < _headDim; d += 4) pool[isKey ? KeyWord(page, head, d, slot) : ValueWord(page, head, d, slot)] = 0;
        for (int d = 0; d < _headDim; d += 64) pool[ScaleWord(page, head, d, slot)] = 0;
        for (int first = 0; first < _headDim; first += 32)
        {
            (Half scale, sbyte[] quants) = KvReference.Quantize(vector.Slice(first, Math.Min(32, _headDim - first)));
            pool[ScaleWord(page, head, first, slot)] |= (uint)BitConverter.HalfToUInt16Bits(scale) << first / 32 % 2 * 16;
            for (int i = 0; i < quants.Length; i++)
            {
                int d = first + i;
                pool[isKey ? KeyWord(page, head, d, slot) : ValueWord(page, head, d, slot)] |= (uint)(byte)quants[i] << d % 4 * 8;
            }
        }
    }

    private void WriteNumber(uint[] pool, int word, int d, float value)
    {
        if (Format == KvFormat.F32) pool[word] = BitConverter.SingleToUInt32Bits(value);
        else
        {
            uint bits = BitConverter.HalfToUInt16Bits((Half)value);
            pool[word] = d % 2 == 0 ? pool[word] & 0xFFFF0000 | bits : pool[word] & 0xFFFF | bits << 16;
        }
    }

    private float Number(uint[] pool, int word, int page, int head, int d, int slot) => Format switch
    {
        KvFormat.F32 => BitConverter.UInt32BitsToSingle(pool[word]),
        KvFormat.F16 => HalfOf(pool[word], d % 2),
        KvFormat.Q8_0 => (sbyte)(pool[word] >> d % 4 * 8) * HalfOf(pool[ScaleWord(page, head, d, slot)], d / 32 % 2),
    };

    private static float HalfOf(uint word, int half) => (float)BitConverter.UInt16BitsToHalf((ushort)(word >> half * 16));
}
