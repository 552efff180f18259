using System.Buffers.Binary;
using MixtralVk.Loading;
using MixtralVk.Quantization;

namespace MixtralVk.Testing.Gguf;

/// <summary>Plain scalar quantisers from floats to the bytes of GGUF blocks. They aim at valid files, not at the smallest error.</summary>
public static class Quantizer
{
    /// <summary>What the nibbles of IQ4_NL and IQ4_XS stand for.</summary>
    private static readonly float[] _table = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    private delegate void BlockWriter(ReadOnlySpan<float> x, Span<byte> to);

    /// <summary>The type a GGUF file names a format with.</summary>
    public static GgmlType TypeOf(WeightFormat format) => (GgmlType)format;

    /// <summary>Values of a block in the file: rows are multiples of it.</summary>
    public static int BlockValues(WeightFormat format) => TypeOf(format).Block().Elements;

    /// <summary>Bytes of a block in the file.</summary>
    public static int BlockBytes(WeightFormat format) => TypeOf(format).Block().Bytes;

    /// <summary>Where a block has its 16-bit floats, the scale of the whole block first. F32 and BF16 have none, F16 is one.</summary>
    public static int[] HalvesAt(WeightFormat format) => format switch
    {
        WeightFormat.F32 or WeightFormat.BF16 => [],
        WeightFormat.F16 or WeightFormat.Q4_0 or WeightFormat.Q5_0 or WeightFormat.Q8_0 or WeightFormat.IQ4_NL or WeightFormat.IQ4_XS =>
            [0],
        WeightFormat.Q4_1 or WeightFormat.Q5_1 or WeightFormat.Q4_K or WeightFormat.Q5_K => [0, 2],
        WeightFormat.Q2_K => [80, 82],
        WeightFormat.Q3_K => [108],
        WeightFormat.Q6_K => [208],
    };

    /// <summary>Quantises finite values; their number is a multiple of the format's block (1, 32 or 256).</summary>
    public static byte[] Quantize(WeightFormat format, ReadOnlySpan<float> values)
    {
        int elements = BlockValues(format), bytes = BlockBytes(format);
        if (values.Length % elements != 0)
            throw new ArgumentException($"{values.Length} values are not whole blocks of {elements}.", nameof(values));
        BlockWriter write = WriterOf(format);
        var data = new byte[values.Length / elements * bytes];
        for (int i = 0; i < values.Length / elements; i++) write(values.Slice(i * elements, elements), data.AsSpan(i * bytes, bytes));
        return data;
    }

    /// <summary>
    /// Puts a number into every <paramref name="every"/>th block: into the value (F32, F16, BF16) or the block's scale. Where the type
    /// cannot hold a denormal float, its own smallest denormal is written.
    /// </summary>
    public static void Poison(WeightFormat format, Span<byte> data, float value, int every)
    {
        int bytes = BlockBytes(format);
        for (int block = 0; block < data.Length / bytes; block += every)
        {
            Span<byte> target = data.Slice(block * bytes, bytes);
            if (format == WeightFormat.F32) BinaryPrimitives.WriteSingleLittleEndian(target, value);
            else if (format == WeightFormat.BF16)
                BinaryPrimitives.WriteUInt16LittleEndian(target,
                    float.IsSubnormal(value) ? (ushort)1 : (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
            else BinaryPrimitives.WriteHalfLittleEndian(target[HalvesAt(format)[0]..],
                float.IsSubnormal(value) ? Half.Epsilon : (Half)value);
        }
    }

    private static BlockWriter WriterOf(WeightFormat format) => format switch
    {
        WeightFormat.F32 => (x, to) => BinaryPrimitives.WriteSingleLittleEndian(to, x[0]),
        WeightFormat.F16 => (x, to) => WriteHalf(to, x[0]),
        WeightFormat.BF16 => BF16,
        WeightFormat.Q8_0 => Q8_0,
        WeightFormat.Q4_0 => Q4_0,
        WeightFormat.Q4_1 => Q4_1,
        WeightFormat.Q5_0 => Q5_0,
        WeightFormat.Q5_1 => Q5_1,
        WeightFormat.Q2_K => Q2_K,
        WeightFormat.Q3_K => Q3_K,
        WeightFormat.Q4_K => Q4_K,
        WeightFormat.Q5_K => Q5_K,
        WeightFormat.Q6_K => Q6_K,
        WeightFormat.IQ4_NL => IQ4_NL,
        WeightFormat.IQ4_XS => IQ4_XS,
    };

    /// <summary>Rounds to the nearest, ties to even.</summary>
    private static void BF16(ReadOnlySpan<float> x, Span<byte> to)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x[0]);
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16));
    }

    private static void Q8_0(ReadOnlySpan<float> x, Span<byte> to)
    {
        float d = WriteHalf(to, Largest(x) / 127);
        for (int i = 0; i < 32; i++) to[2 + i] = (byte)(sbyte)Level(x[i], d, -127, 127);
    }

    private static void Q4_0(ReadOnlySpan<float> x, Span<byte> to)
    {
        float d = WriteHalf(to, Farthest(x) / -8);
        for (int i = 0; i < 16; i++) to[2 + i] = (byte)(Level(x[i], d, -8, 7) + 8 | Level(x[i + 16], d, -8, 7) + 8 << 4);
    }

    private static void Q4_1(ReadOnlySpan<float> x, Span<byte> to)
    {
        var (d, m) = Range(x, 15, to);
        for (int i = 0; i < 16; i++) to[4 + i] = (byte)(Level(x[i] - m, d, 0, 15) | Level(x[i + 16] - m, d, 0, 15) << 4);
    }

    private static void Q5_0(ReadOnlySpan<float> x, Span<byte> to)
    {
        float d = WriteHalf(to, Farthest(x) / -16);
        for (int i = 0; i < 32; i++) FiveBits(Level(x[i], d, -16, 15) + 16, i, to[2..]);
    }

    private static void Q5_1(ReadOnlySpan<float> x, Span<byte> to)
    {
        var (d, m) = Range(x, 31, to);
        for (int i = 0; i < 32; i++) FiveBits(Level(x[i] - m, d, 0, 31), i, to[4..]);
    }

    private static void IQ4_NL(ReadOnlySpan<float> x, Span<byte> to)
    {
        float d = WriteHalf(to, Farthest(x) / -127);
        for (int i = 0; i < 16; i++) to[2 + i] = (byte)(Nearest(x[i], d) | Nearest(x[i + 16], d) << 4);
    }

    private static void Q2_K(ReadOnlySpan<float> x, Span<byte> to)
    {
        Span<float> scales = stackalloc float[16], minima = stackalloc float[16];
        SubRanges(x, 3, scales, minima);
        float d = WriteHalf(to[80..], Largest(scales) / 15), dmin = WriteHalf(to[82..], Largest(minima) / 15);
        for (int i = 0; i < 256; i++)
        {
            int sub = i / 16, scale = Level(scales[sub], d, 0, 15), minimum = Level(minima[sub], dmin, 0, 15);
            to[sub] = (byte)(scale | minimum << 4);
            to[16 + i / 128 * 32 + i % 32] |= (byte)(Level(x[i] + dmin * minimum, d * scale, 0, 3) << i % 128 / 32 * 2);
        }
    }

    private static void Q3_K(ReadOnlySpan<float> x, Span<byte> to)
    {
        Span<float> scales = stackalloc float[16];
        for (int sub = 0; sub < 16; sub++) scales[sub] = Farthest(x.Slice(sub * 16, 16)) / -4;
        float d = WriteHalf(to[108..], Largest(scales) / 31);
        for (int i = 0; i < 256; i++)
        {
            int sub = i / 16, scale = Level(scales[sub], d, -32, 31);
            if (i % 16 == 0)
            {
                to[96 + sub % 8] |= (byte)((scale + 32 & 15) << sub / 8 * 4);
                to[104 + sub % 4] |= (byte)(scale + 32 >> 4 << sub / 4 * 2);
            }
            int q = Level(x[i], d * scale, -4, 3) + 4;
            to[32 + i / 128 * 32 + i % 32] |= (byte)((q & 3) << i % 128 / 32 * 2);
            to[i % 32] |= (byte)(q >> 2 << i / 32);
        }
    }

    private static void Q4_K(ReadOnlySpan<float> x, Span<byte> to)
    {
        Span<byte> levels = stackalloc byte[256];
        SubBlocks(x, 15, to, levels);
        for (int i = 0; i < 256; i++) to[16 + i / 64 * 32 + i % 32] |= (byte)(levels[i] << i / 32 % 2 * 4);
    }

    private static void Q5_K(ReadOnlySpan<float> x, Span<byte> to)
    {
        Span<byte> levels = stackalloc byte[256];
        SubBlocks(x, 31, to, levels);
        for (int i = 0; i < 256; i++)
        {
            to[48 + i / 64 * 32 + i % 32] |= (byte)((levels[i] & 15) << i / 32 % 2 * 4);
            to[16 + i % 32] |= (byte)(levels[i] >> 4 << i / 32);
        }
    }

    /// <summary>
    /// What Q4_K and Q5_K share: the header of 16 bytes, d, dmin and the 8 scales and minima, and levels from 0 to <paramref name="most"/>.
    /// </summary>
    private static void SubBlocks(ReadOnlySpan<float> x, int most, Span<byte> to, Span<byte> levels)
    {
        Span<float> scales = stackalloc float[8], minima = stackalloc float[8];
        SubRanges(x, most, scales, minima);
        float d = WriteHalf(to, Largest(scales) / 63), dmin = WriteHalf(to[2..], Largest(minima) / 63);
        for (int sub = 0; sub < 8; sub++)
        {
            int scale = Level(scales[sub], d, 0, 63), minimum = Level(minima[sub], dmin, 0, 63);
            Span<byte> packed = to.Slice(4, 12);
            if (sub < 4)
            {
                packed[sub] = (byte)scale;
                packed[sub + 4] = (byte)minimum;
            }
            else
            {
                packed[sub + 4] = (byte)(scale & 15 | (minimum & 15) << 4);
                packed[sub - 4] |= (byte)(scale >> 4 << 6);
                packed[sub] |= (byte)(minimum >> 4 << 6);
            }
            for (int i = sub * 32; i < sub * 32 + 32; i++) levels[i] = (byte)Level(x[i] + dmin * minimum, d * scale, 0, most);
        }
    }

    private static void Q6_K(ReadOnlySpan<float> x, Span<byte> to)
    {
        Span<float> scales = stackalloc float[16];
        for (int sub = 0; sub < 16; sub++) scales[sub] = Largest(x.Slice(sub * 16, 16)) / 31;
        float d = WriteHalf(to[208..], Largest(scales) / 127);
        for (int i = 0; i < 256; i++)
        {
            // Odd sub-blocks get a negative scale, so that the sign is tested too.
            int sub = i / 16, scale = Level(scales[sub], d, 0, 127) * (sub % 2 == 0 ? 1 : -1);
            to[192 + sub] = (byte)(sbyte)scale;
            int q = Level(x[i], d * scale, -32, 31) + 32;
            int half = i / 128, k = i % 128 / 32, l = i % 32;
            to[half * 64 + k % 2 * 32 + l] |= (byte)((q & 15) << k / 2 * 4);
            to[128 + half * 32 + l] |= (byte)(q >> 4 << k * 2);
        }
    }

    private static void IQ4_XS(ReadOnlySpan<float> x, Span<byte> to)
    {
        Span<float> scales = stackalloc float[8];
        for (int sub = 0; sub < 8; sub++) scales[sub] = Farthest(x.Slice(sub * 32, 32)) / -127;
        float d = WriteHalf(to, Largest(scales) / 31);
        int upper = 0;
        for (int sub = 0; sub < 8; sub++)
        {
            int scale = Level(scales[sub], d, -32, 31);
            upper |= scale + 32 >> 4 << 2 * sub;
            to[4 + sub / 2] |= (byte)((scale + 32 & 15) << sub % 2 * 4);
            ReadOnlySpan<float> part = x.Slice(sub * 32, 32);
            for (int i = 0; i < 16; i++) to[8 + sub * 16 + i] = (byte)(Nearest(part[i], d * scale) | Nearest(part[i + 16], d * scale) << 4);
        }
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], (ushort)upper);
    }

    /// <summary>
    /// Writes the step and the least of the values as halves: levels 0 to <paramref name="most"/> reach from the least to the greatest.
    /// </summary>
    private static (float Step, float Least) Range(ReadOnlySpan<float> x, int most, Span<byte> to)
    {
        float low = float.MaxValue, high = float.MinValue;
        foreach (float v in x) (low, high) = (Math.Min(low, v), Math.Max(high, v));
        return (WriteHalf(to, (high - low) / most), WriteHalf(to[2..], low));
    }

    /// <summary>Step and minimum (turned positive) of each sub-block; a minimum is at most 0.</summary>
    private static void SubRanges(ReadOnlySpan<float> x, int most, Span<float> scales, Span<float> minima)
    {
        int length = x.Length / scales.Length;
        for (int sub = 0; sub < scales.Length; sub++)
        {
            float low = 0, high = float.MinValue;
            foreach (float v in x.Slice(sub * length, length)) (low, high) = (Math.Min(low, v), Math.Max(high, v));
            (scales[sub], minima[sub]) = ((Math.Max(high, low) - low) / most, -low);
        }
    }

    /// <summary>Level i of 32: the fifth bit into bit i of the first word, the others into the nibbles after it.</summary>
    private static void FiveBits(int level, int i, Span<byte> to)
    {
        to[i / 8] |= (byte)(level >> 4 << i % 8);
        to[4 + i % 16] |= (byte)((level & 15) << i / 16 * 4);
    }

    private static int Nearest(float value, float step)
    {
        int nearest = 0;
        for (int i = 1; i < 16; i++)
            if (MathF.Abs(value - step * _table[i]) < MathF.Abs(value - step * _table[nearest])) nearest = i;
        return nearest;
    }

    /// <summary>The value farthest from zero.</summary>
    private static float Farthest(ReadOnlySpan<float> x)
    {
        float farthest = 0;
        foreach (float v in x) if (Math.Abs(v) > Math.Abs(farthest)) farthest = v;
        return farthest;
    }

    private static float Largest(ReadOnlySpan<float> x)
    {
        float largest = 0;
        foreach (float v in x) largest = Math.Max(largest, Math.Abs(v));
        return largest;
    }

    private static int Level(float value, float step, int least, int most) =>
        step == 0 ? Math.Clamp(0, least, most) : (int)Math.Clamp(MathF.Round(value / step), least, most);

    private static float WriteHalf(Span<byte> to, float value)
    {
        BinaryPrimitives.WriteHalfLittleEndian(to, (Half)value);
        return (float)(Half)value;
    }
}
