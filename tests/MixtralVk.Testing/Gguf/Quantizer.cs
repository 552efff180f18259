using System.Buffers.Binary;
using MixtralVk.Loading;
using MixtralVk.Quantization;

namespace MixtralVk.Testing.Gguf;

/// <summary>Plain scalar quantisers from floats to the bytes of GGUF blocks. They aim at valid files, not at the smallest error.</summary>
public static class Quantizer
{
    /// <summary>The type a GGUF file names a format with.</summary>
    public static GgmlType TypeOf(WeightFormat format) => format switch
    {
        WeightFormat.F32 => GgmlType.F32,
        WeightFormat.F16 => GgmlType.F16,
        WeightFormat.Q8_0 => GgmlType.Q8_0,
        WeightFormat.Q4_0 => GgmlType.Q4_0,
        WeightFormat.Q4_K => GgmlType.Q4_K,
        WeightFormat.Q5_K => GgmlType.Q5_K,
        WeightFormat.Q6_K => GgmlType.Q6_K,
    };

    /// <summary>Quantises finite values; their number is a multiple of the format's block (1, 32 or 256).</summary>
    public static byte[] Quantize(WeightFormat format, ReadOnlySpan<float> values)
    {
        (int elements, int bytes) = TypeOf(format).Block();
        if (values.Length % elements != 0) throw new ArgumentException($"{values.Length} values are not whole blocks of {elements}.", nameof(values));
        var data = new byte[values.Length / elements * bytes];
        for (int i = 0; i < values.Length / elements; i++)
        {
            ReadOnlySpan<float> block = values.Slice(i * elements, elements);
            Span<byte> to = data.AsSpan(i * bytes, bytes);
            switch (format)
            {
                case WeightFormat.F32: BinaryPrimitives.WriteSingleLittleEndian(to, block[0]); break;
                case WeightFormat.F16: WriteHalf(to, block[0]); break;
                case WeightFormat.Q8_0: Q8_0(block, to); break;
                case WeightFormat.Q4_0: Q4_0(block, to); break;
                case WeightFormat.Q4_K: Q4_K(block, to); break;
                case WeightFormat.Q5_K: Q5_K(block, to); break;
                case WeightFormat.Q6_K: Q6_K(block, to); break;
                default: throw new ArgumentOutOfRangeException(nameof(format));
            }
        }
        return data;
    }

    /// <summary>
    /// Puts a number into every <paramref name="every"/>th block: into the value (F32, F16) or the block's scale. Where a half cannot hold
    /// a denormal float, the smallest denormal half is written.
    /// </summary>
    public static void Poison(WeightFormat format, Span<byte> data, float value, int every)
    {
        int bytes = TypeOf(format).Block().Bytes;
        int at = format == WeightFormat.Q6_K ? 208 : 0;
        for (int block = 0; block < data.Length / bytes; block += every)
        {
            Span<byte> target = data[(block * bytes + at)..];
            if (format == WeightFormat.F32) BinaryPrimitives.WriteSingleLittleEndian(target, value);
            else BinaryPrimitives.WriteHalfLittleEndian(target, float.IsSubnormal(value) ? Half.Epsilon : (Half)value);
        }
    }

    private static void Q8_0(ReadOnlySpan<float> x, Span<byte> to)
    {
        float d = WriteHalf(to, Largest(x) / 127);
        for (int i = 0; i < 32; i++) to[2 + i] = (byte)(sbyte)Level(x[i], d, -127, 127);
    }

    private static void Q4_0(ReadOnlySpan<float> x, Span<byte> to)
    {
        float largest = 0;
        foreach (float v in x) if (Math.Abs(v) > Math.Abs(largest)) largest = v;
        float d = WriteHalf(to, largest / -8);
        for (int i = 0; i < 16; i++) to[2 + i] = (byte)(Level(x[i], d, -8, 7) + 8 | Level(x[i + 16], d, -8, 7) + 8 << 4);
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

    /// <summary>What Q4_K and Q5_K share: the header of 16 bytes, d, dmin and the 8 scales and minima, and levels from 0 to <paramref name="most"/>.</summary>
    private static void SubBlocks(ReadOnlySpan<float> x, int most, Span<byte> to, Span<byte> levels)
    {
        Span<float> scales = stackalloc float[8], minima = stackalloc float[8];
        for (int sub = 0; sub < 8; sub++)
        {
            float low = 0, high = float.MinValue;
            foreach (float v in x.Slice(sub * 32, 32)) (low, high) = (Math.Min(low, v), Math.Max(high, v));
            (scales[sub], minima[sub]) = ((Math.Max(high, low) - low) / most, -low);
        }
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
