using System.Buffers.Binary;

namespace MixtralVk.Reference;

// The types with blocks of 256 values.
public static partial class Dequantize
{
    /// <summary>
    /// 16 bytes of scales (low nibbles) and minima (high nibbles) per 16 values, 64 bytes of bit pairs, f16 d, f16 dmin. Each half of 128
    /// values uses 32 bytes of pairs: value 32 * k + i is pair k of byte i; value = d * scale * q - dmin * minimum.
    /// </summary>
    private static void Q2_K(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 80), dmin = HalfAt(block, 82);
        for (int i = 0; i < 256; i++)
        {
            byte packed = block[i / 16];
            int q = block[16 + i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
            y[i] = d * (packed & 15) * q - dmin * (packed >> 4);
        }
    }

    /// <summary>
    /// 32 bytes of third bits, 64 bytes of bit pairs as in Q2_K, 12 bytes of 6-bit scales per 16 values, f16 d. Bit b of byte i of the
    /// third bits belongs to value 32 * b + i; value = d * (scale - 32) * (q - 4).
    /// </summary>
    private static void Q3_K(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 108);
        ReadOnlySpan<byte> packed = block.Slice(96, 12);
        for (int i = 0; i < 256; i++)
        {
            int s = i / 16;
            int scale = packed[s % 8] >> (s / 8 * 4) & 15 | (packed[8 + s % 4] >> (s / 4 * 2) & 3) << 4;
            int q = block[32 + i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3 | (block[i % 32] >> (i / 32) & 1) << 2;
            y[i] = d * (scale - 32) * (q - 4);
        }
    }

    /// <summary>
    /// f16 d, f16 dmin, 12 bytes of 6-bit scales and minima, 128 bytes of nibbles. Sub-block s has 32 values: the low (s even) or high
    /// (s odd) nibbles of bytes 32 * (s / 2) onwards; value = d * scale[s] * q - dmin * minimum[s].
    /// </summary>
    private static void Q4_K(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 0), dmin = HalfAt(block, 2);
        ReadOnlySpan<byte> packed = block.Slice(4, 12), nibbles = block[16..];
        for (int s = 0; s < 8; s++)
        {
            var (scale, minimum) = SubScale(packed, s);
            for (int i = 0; i < 32; i++)
            {
                int q = nibbles[s / 2 * 32 + i] >> (s % 2 * 4) & 15;
                y[s * 32 + i] = d * scale * q - dmin * minimum;
            }
        }
    }

    /// <summary>As Q4_K, with 32 bytes of fifth bits before the nibbles: bit s of byte i belongs to value i of sub-block s.</summary>
    private static void Q5_K(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 0), dmin = HalfAt(block, 2);
        ReadOnlySpan<byte> packed = block.Slice(4, 12), fifthBits = block.Slice(16, 32), nibbles = block[48..];
        for (int s = 0; s < 8; s++)
        {
            var (scale, minimum) = SubScale(packed, s);
            for (int i = 0; i < 32; i++)
            {
                int q = nibbles[s / 2 * 32 + i] >> (s % 2 * 4) & 15 | (fifthBits[i] >> s & 1) << 4;
                y[s * 32 + i] = d * scale * q - dmin * minimum;
            }
        }
    }

    /// <summary>
    /// The first four are the low 6 bits of bytes 0-3 and 4-7; of the others 4 bits lie in bytes 8-11, 2 in the tops of bytes 0-7.
    /// </summary>
    private static (int Scale, int Minimum) SubScale(ReadOnlySpan<byte> packed, int s) => s < 4
        ? (packed[s] & 63, packed[s + 4] & 63)
        : (packed[s + 4] & 15 | packed[s - 4] >> 6 << 4, packed[s + 4] >> 4 | packed[s] >> 6 << 4);

    /// <summary>
    /// 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales, f16 d. Each half of 128 values uses 64 bytes of nibbles
    /// and 32 of pairs: value 32 * k + i has nibble k / 2 of byte 32 * (k % 2) + i and pair k of byte i; scale per 16 values.
    /// </summary>
    private static void Q6_K(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 208);
        for (int half = 0; half < 2; half++)
            for (int k = 0; k < 4; k++)
                for (int i = 0; i < 32; i++)
                {
                    int low = block[half * 64 + k % 2 * 32 + i] >> (k / 2 * 4) & 15;
                    int high = block[128 + half * 32 + i] >> (k * 2) & 3;
                    int value = half * 128 + k * 32 + i;
                    var scale = (sbyte)block[192 + value / 16];
                    y[value] = d * scale * ((low | high << 4) - 32);
                }
    }

    /// <summary>
    /// f16 d, 16 bits with the upper two bits of 8 scales, 4 bytes with their lower four, 128 bytes: 16 per sub-block of 32, nibbles as in
    /// Q4_0; value = d * (scale - 32) * table[q].
    /// </summary>
    private static void IQ4_XS(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 0);
        int upper = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (int i = 0; i < 256; i++)
        {
            int s = i / 32;
            int scale = block[4 + s / 2] >> (s % 2 * 4) & 15 | (upper >> (2 * s) & 3) << 4;
            y[i] = d * (scale - 32) * _table[Nibble(block[(8 + s * 16)..], i % 32)];
        }
    }
}
