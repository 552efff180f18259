using System.Buffers.Binary;
using MixtralVk.Conversion.Quantizers;
using MixtralVk.Loading;
using MixtralVk.Reference;

namespace MixtralVk.Tests.Conversion;

/// <summary>Quantisers, read back by the plain reference.</summary>
public sealed class QuantizerTests
{
    private const int Cols = 256, Rows = 512;

    /// <summary>
    /// Error relative to the values that llama.cpp's quantiser (v0.5.0, `lcpp quantize`) leaves on the very numbers of
    /// <see cref="Numbers"/>, as a matrix of 512 rows of 256.
    /// </summary>
    [Theory]
    [InlineData(GgmlType.Q4_0, 0.105330)]
    [InlineData(GgmlType.Q8_0, 0.007109)]
    [InlineData(GgmlType.Q4_K, 0.088581)]
    [InlineData(GgmlType.Q5_K, 0.045514)]
    [InlineData(GgmlType.Q6_K, 0.022442)]
    [InlineData(GgmlType.Q5_0, 0.054457)]
    [InlineData(GgmlType.Q5_1, 0.047650)]
    public void The_error_is_at_most_that_of_llama_cpp(GgmlType type, double theirs)
    {
        float[] values = Numbers(Rows * Cols);
        double error = Error(values, Read(type, Quantize(type, values)));
        Assert.InRange(error, theirs * 0.8, theirs * 1.001);
    }

    public static TheoryData<GgmlType> Types =>
        [GgmlType.Q4_0, GgmlType.Q5_0, GgmlType.Q5_1, GgmlType.Q8_0, GgmlType.Q4_K, GgmlType.Q5_K, GgmlType.Q6_K];

    [Theory, MemberData(nameof(Types))]
    public void Zeros_stay_zeros_and_vanishing_values_do_no_harm(GgmlType type)
    {
        Assert.All(Read(type, Quantize(type, new float[Cols])), value => Assert.Equal(0, value));
        foreach (float tiny in (float[])[float.Epsilon, 1e-30f, 1e-9f])
        {
            float[] values = new float[Cols];
            for (int i = 0; i < Cols; i++) values[i] = i % 3 == 0 ? tiny : -tiny;
            Assert.All(Read(type, Quantize(type, values)), value => Assert.InRange(value, -1e-7f, 1e-7f));
        }
    }

    [Theory, MemberData(nameof(Types))]
    public void The_largest_halves_and_lonely_values_stay_near(GgmlType type)
    {
        foreach (float large in (float[])[65504, -65504, 1, -1])
        {
            float[] values = new float[Cols];
            values[37] = large;
            values[200] = -large / 2;
            float[] read = Read(type, Quantize(type, values));
            Assert.All(read, value => Assert.True(float.IsFinite(value)));
            Assert.InRange(read[37] / large, 0.93f, 1.07f);
            Assert.InRange(read[200] / -large * 2, 0.85f, 1.15f);
        }
    }

    [Theory, MemberData(nameof(Types))]
    public void A_constant_is_kept(GgmlType type)
    {
        foreach (float constant in (float[])[0.25f, -0.25f])
        {
            float[] values = new float[Cols];
            Array.Fill(values, constant);
            Assert.All(Read(type, Quantize(type, values)), value => Assert.InRange(value / constant, 0.99f, 1.01f));
        }
    }

    /// <summary>What a reader gets is on the grid: quantising it again may not move it further away than rounding does.</summary>
    [Theory, MemberData(nameof(Types))]
    public void Values_on_the_grid_hardly_move(GgmlType type)
    {
        float[] once = Read(type, Quantize(type, Numbers(16 * Cols)));
        double again = Error(once, Read(type, Quantize(type, once))), first = Error(Numbers(16 * Cols), once);
        Assert.InRange(again, 0, first / 4);
    }

    [Theory, MemberData(nameof(Types))]
    public void Importance_moves_the_error_to_columns_that_do_not_count(GgmlType type)
    {
        if (type == GgmlType.Q8_0) return; // its scale is that of the largest value, whatever counts
        float[] values = Numbers(Rows * Cols), importance = new float[Cols];
        for (int i = 0; i < Cols; i++) importance[i] = i % 4 == 0 ? 100 : 0.1f;
        float[] plain = Read(type, Quantize(type, values)), weighted = Read(type, Quantize(type, values, importance));
        Assert.InRange(Weighted(weighted), 0, 0.9 * Weighted(plain));

        double Weighted(float[] read) => values.Select((value, i) => importance[i % Cols] * Math.Pow(value - read[i], 2)).Sum();
    }

    [Fact]
    public void Floats_are_the_nearest_ones()
    {
        float[] values = [1, -2.5f, 0.1f, 1.00390625f, 1.01171875f, 65504, 3.0e-8f];
        byte[] half = new byte[14], brain = new byte[14];
        BlockQuantizer.Of(GgmlType.F16)!.QuantizeRow(values, new float[7], half);
        BlockQuantizer.Of(GgmlType.BF16)!.QuantizeRow(values, new float[7], brain);
        for (int i = 0; i < values.Length; i++) Assert.Equal((Half)values[i], BinaryPrimitives.ReadHalfLittleEndian(half.AsSpan(2 * i)));
        // 1 + 1/256 and 1 + 3/256 lie between two brain floats; the even one is taken.
        Assert.Equal([1, -2.5f, 0.10009765625f, 1, 1.015625f],
            Enumerable.Range(0, 5)
                .Select(i => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(brain.AsSpan(2 * i)) << 16)));
    }

    private static byte[] Quantize(GgmlType type, float[] values, float[]? importance = null)
    {
        (int elements, int bytes) = type.Block();
        byte[] blocks = new byte[values.Length / elements * bytes];
        int rowBytes = Cols / elements * bytes;
        importance ??= [.. Enumerable.Repeat(1f, Cols)];
        for (int row = 0; row < values.Length / Cols; row++)
            BlockQuantizer.Of(type)!.QuantizeRow(values.AsSpan(row * Cols, Cols), importance, blocks.AsSpan(row * rowBytes, rowBytes));
        return blocks;
    }

    private static float[] Read(GgmlType type, byte[] blocks) => type switch
    {
        GgmlType.Q5_0 => Five(blocks, 22, hasOffset: false),
        GgmlType.Q5_1 => Five(blocks, 24, hasOffset: true),
        _ => Dequantize.Blocks((TensorType)type, blocks),
    };

    /// <summary>Q5_0 and Q5_1 by their definition.</summary>
    private static float[] Five(byte[] blocks, int size, bool hasOffset) =>
        [.. blocks.Chunk(size).SelectMany(block => Enumerable.Range(0, 32).Select(i =>
        {
            float d = (float)BinaryPrimitives.ReadHalfLittleEndian(block),
                m = hasOffset ? (float)BinaryPrimitives.ReadHalfLittleEndian(block.AsSpan(2)) : 0;
            uint fifth = BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan(size - 20)) >> i & 1;
            int q = (i < 16 ? block[size - 16 + i] & 15 : block[size - 32 + i] >> 4) | (int)(fifth << 4);
            return hasOffset ? d * q + m : d * (q - 16);
        }))];

    private static double Error(float[] values, float[] read) =>
        Math.Sqrt(values.Zip(read, (a, b) => Math.Pow((double)a - b, 2)).Sum() / values.Sum(a => (double)a * a));

    /// <summary>
    /// v |v| of the sum v of four uniform numbers less 2, from the generator state = 1664525 state + 1013904223 (mod 2^32), seed 12345,
    /// upper 24 bits: long tails as weights have them, and the same numbers in any language.
    /// </summary>
    private static float[] Numbers(int count)
    {
        uint state = 12345;
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            double v = -2;
            for (int k = 0; k < 4; k++) v += ((state = state * 1664525 + 1013904223) >> 8) / 16777216.0;
            values[i] = (float)(v * Math.Abs(v));
        }
        return values;
    }
}
