using System.Buffers.Binary;

namespace MixtralVk.Reference;

/// <summary>The floats that blocks of a GGUF file stand for. Formats: github.com/ggml-org/ggml, ggml-common.h (block_q4_0 and so on).</summary>
public static class Dequantize
{
    /// <summary>Values of one block.</summary>
    public static int BlockValues(TensorType type) => type switch
    {
        TensorType.F32 or TensorType.F16 => 1,
        TensorType.Q4_0 or TensorType.Q8_0 => 32,
        TensorType.Q4_K or TensorType.Q5_K or TensorType.Q6_K => 256,
    };

    /// <summary>Bytes of one block.</summary>
    public static int BlockBytes(TensorType type) => type switch
    {
        TensorType.F32 => 4,
        TensorType.F16 => 2,
        TensorType.Q4_0 => 2 + 16,
        TensorType.Q8_0 => 2 + 32,
        TensorType.Q4_K => 2 + 2 + 12 + 128,
        TensorType.Q5_K => 2 + 2 + 12 + 32 + 128,
        TensorType.Q6_K => 128 + 64 + 16 + 2,
    };

    /// <summary>All values of a tensor.</summary>
    public static float[] All(RawTensor tensor) => Blocks(tensor.Type, tensor.Bytes);

    /// <summary>All values of whole blocks.</summary>
    public static float[] Blocks(TensorType type, ReadOnlySpan<byte> bytes)
    {
        int values = BlockValues(type), size = BlockBytes(type);
        if (bytes.Length % size != 0) throw new ArgumentException($"{bytes.Length} bytes are no whole number of {type} blocks.");
        var result = new float[bytes.Length / size * values];
        for (int b = 0; b < bytes.Length / size; b++)
            Block(type, bytes.Slice(b * size, size), result.AsSpan(b * values, values));
        return result;
    }

    private static void Block(TensorType type, ReadOnlySpan<byte> block, Span<float> y)
    {
        switch (type)
        {
            case TensorType.F32: y[0] = BinaryPrimitives.ReadSingleLittleEndian(block); break;
            case TensorType.F16: y[0] = HalfAt(block, 0); break;
            case TensorType.Q4_0: Q4_0(block, y); break;
            case TensorType.Q8_0: Q8_0(block, y); break;
            case TensorType.Q4_K: Q4_K(block, y); break;
            case TensorType.Q5_K: Q5_K(block, y); break;
            case TensorType.Q6_K: Q6_K(block, y); break;
        }
    }

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

    /// <summary>f16 d; 32 signed bytes.</summary>
    private static void Q8_0(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = HalfAt(block, 0);
        for (int i = 0; i < 32; i++) y[i] = (sbyte)block[2 + i] * d;
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

    /// <summary>The first four are the low 6 bits of bytes 0-3 and 4-7; of the others 4 bits lie in bytes 8-11, 2 in the tops of bytes 0-7.</summary>
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

    private static float HalfAt(ReadOnlySpan<byte> bytes, int offset) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[offset..]);
}
