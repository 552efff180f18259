using System.Buffers.Binary;

namespace MixtralVk.Reference;

// The types with blocks of 32 values.
public static partial class Dequantize
{
    /// <summary>What the nibbles of IQ4_NL and IQ4_XS stand for.</summary>
    private static readonly int[] _table = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>f16 d; 16 bytes: value i in the low nibble of byte i, value 16 + i in the high one; (q - 8) * d.</summary>
    private static void Q4_0(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 0);
        for (int i = 0; i < 16; i++)
        {
            y[i] = ((block[2 + i] & 15) - 8) * d;
            y[16 + i] = ((block[2 + i] >> 4) - 8) * d;
        }
    }

    /// <summary>f16 d, f16 m, 16 bytes of nibbles as in Q4_0; q * d + m.</summary>
    private static void Q4_1(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 0), m = HalfAt(block, 2);
        for (int i = 0; i < 32; i++) y[i] = Nibble(block[4..], i) * d + m;
    }

    /// <summary>f16 d, 32 fifth bits, 16 bytes of nibbles as in Q4_0; (q - 16) * d.</summary>
    private static void Q5_0(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 0);
        uint fifthBits = BinaryPrimitives.ReadUInt32LittleEndian(block[2..]);
        for (int i = 0; i < 32; i++) y[i] = ((Nibble(block[6..], i) | (int)(fifthBits >> i & 1) << 4) - 16) * d;
    }

    /// <summary>f16 d, f16 m, 32 fifth bits, 16 bytes of nibbles as in Q4_0; q * d + m.</summary>
    private static void Q5_1(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 0), m = HalfAt(block, 2);
        uint fifthBits = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
        for (int i = 0; i < 32; i++) y[i] = (Nibble(block[8..], i) | (int)(fifthBits >> i & 1) << 4) * d + m;
    }

    /// <summary>f16 d; 32 signed bytes.</summary>
    private static void Q8_0(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 0);
        for (int i = 0; i < 32; i++) y[i] = (sbyte)block[2 + i] * d;
    }

    /// <summary>f16 d, 16 bytes of nibbles as in Q4_0; d * table[q].</summary>
    private static void IQ4_NL(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 0);
        for (int i = 0; i < 32; i++) y[i] = d * _table[Nibble(block[2..], i)];
    }

    /// <summary>Value i of 32: the low nibble of byte i, or the high one of byte i - 16.</summary>
    private static int Nibble(ReadOnlySpan<byte> bytes, int i) => bytes[i % 16] >> (i / 16 * 4) & 15;
}
