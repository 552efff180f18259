using MixtralVk.Cpu;
using MixtralVk.Cpu.Bytes;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Cpu;

/// <summary>Products of bytes: every instruction set of this processor, against exact sums over the same rounded activations.</summary>
public sealed unsafe class ByteProductTests : IDisposable
{
    private readonly WorkerThreads _threads = new(2);
    private readonly Random _random = new(11);

    public static TheoryData<WeightFormat> Formats() =>
        [.. Enum.GetValues<WeightFormat>().Where(format => BlockFormat.Of(format).Levels is not null)];

    public void Dispose() => _threads.Dispose();

    [Fact]
    public void Only_floats_and_two_bit_levels_are_left_to_floats() =>
        Assert.Equal([WeightFormat.F32, WeightFormat.F16, WeightFormat.Q2_K, WeightFormat.BF16],
            Enum.GetValues<WeightFormat>().Where(format => BlockFormat.Of(format).Levels is null));

    [Theory, MemberData(nameof(Formats))]
    public void Every_instruction_set_gives_the_same_bits_and_the_sum_of_the_rounded_activations(WeightFormat format)
    {
        foreach (int rows in (int[])[1, 64, 130])
        {
            int cols = Quantizer.BlockValues(format) == 32 ? 96 : 512;
            using var matrix = new CpuMatrix(format, rows, cols, _random);
            foreach (int tokens in (int[])[1, 4, 7, 8, 33]) Check(matrix, rows, cols, Floats(tokens * cols));
        }
    }

    /// <summary>All levels and scales at their ends, activations too: what 16 bits must just hold.</summary>
    [Theory, MemberData(nameof(Formats))]
    public void Sums_of_extreme_levels_do_not_overflow(WeightFormat format)
    {
        const int rows = 64;
        int cols = 2 * Quantizer.BlockValues(format);
        foreach (int pattern in (int[])[0x00, 0xFF, 0x80, 0x7F, 0x0F, 0xF0, 0x55, 0xAA])
        {
            byte[] blocks = new byte[rows * BlockFormat.Of(format).FileBytes * 2];
            Array.Fill(blocks, (byte)pattern);
            SetScales(format, blocks);
            using var matrix = new CpuMatrix(format, rows, cols, blocks);
            float[] input = [.. Enumerable.Repeat(1f, cols), .. Enumerable.Repeat(-1f, cols),
                .. Enumerable.Range(0, 3 * cols).Select(_ => _random.Next(2) * 2 - 1f)];
            Check(matrix, rows, cols, input);
        }
    }

    [Fact]
    public void Each_activation_is_at_most_half_a_scale_off_and_ties_go_to_even()
    {
        float[] values = [.. Floats(32).Select(v => v * 0.9f)];
        values[7] = -127f / 64;
        values[8] = 2.5f / 64;
        values[9] = -3.5f / 64;
        ActivationBlock block = Rounded(values);
        Assert.Equal(1f / 64, block.Scale);
        Assert.Equal((-127, 2, -4), (block.Levels[7], block.Levels[8], block.Levels[9]));
        int even = 0, odd = 0, first = 0;
        for (int i = 0; i < 32; i++)
        {
            Assert.InRange(block.Levels[i] * block.Scale - values[i], -block.Scale / 2, block.Scale / 2);
            if (i % 4 < 2) even += block.Levels[i];
            else odd += block.Levels[i];
            if (i == 15) first = (ushort)even | odd << 16;
        }
        Assert.Equal(((ushort)even | odd << 16, first), (block.Pairs, block.FirstPairs));
        Assert.Equal((even - (short)first, odd - (first >> 16)), ((short)block.SecondPairs, block.SecondPairs >> 16));
        Assert.Equal(block.Scale * (even + odd), block.Sum);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-31f)]
    [InlineData(float.Epsilon)]
    [InlineData(-1e-31f)]
    public void Blocks_of_nothing_become_zeros(float value)
    {
        ActivationBlock block = Rounded([.. Enumerable.Repeat(value, 32)]);
        Assert.Equal((0f, 0, 0), (block.Scale, block.Pairs, block.Levels[31]));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void One_activation_that_is_not_finite_makes_every_sum_so(float bad)
    {
        using var matrix = new CpuMatrix(WeightFormat.Q4_0, 64, 96, _random);
        for (int at = 0; at < 32; at++)
        {
            float[] input = Floats(96);
            input[32 + at] = bad;
            foreach (var (_, product) in ByteProduct.Supported())
                Assert.All(Run(matrix, product, input, 64, 96, out _), sum => Assert.False(float.IsFinite(sum)));
        }
    }

    private void Check(CpuMatrix matrix, int rows, int cols, float[] input)
    {
        int tokens = input.Length / cols;
        float[]? first = null;
        foreach (var (name, product) in ByteProduct.Supported())
        {
            float[] sums = Run(matrix, product, input, rows, cols, out float[] rounded);
            if (first is null) AssertSums(matrix.Floats, rounded, sums, rows, cols);
            Assert.True((first ??= sums).AsSpan().SequenceEqual(sums),
                $"{name} differs from {ByteProduct.Supported().First().Name} at {rows} x {cols}, {tokens} tokens.");
            for (int t = 0; t < tokens; t++)
            {
                float[] alone = Run(matrix, product, input[(t * cols)..((t + 1) * cols)], rows, cols, out _);
                Assert.True(alone.AsSpan().SequenceEqual(sums.AsSpan(t * rows, rows)),
                    $"{name}: token {t} of {tokens} differs from the same token alone.");
            }
        }
    }

    private float[] Run(CpuMatrix matrix, ByteProduct product, float[] values, int rows, int cols, out float[] rounded)
    {
        int tokens = values.Length / cols;
        GuardedFloats x = new(values), blocks = new((int)(tokens * ProductInput.BlockStride(cols) / sizeof(float))), y = new(tokens * rows);
        var input = new ProductInput(x.Pointer, (ActivationBlock*)blocks.Pointer, cols, product);
        QuantizeRows.Run(_threads, input, tokens);
        MatMul.Run(_threads, matrix.Tiled, input, tokens, y.Pointer);
        Assert.NotEmpty(blocks.Values());
        rounded = new float[values.Length];
        for (int i = 0; i < rounded.Length; i++)
        {
            ActivationBlock block = input.BlocksOf(i / cols)[i % cols / ActivationBlock.Cols];
            rounded[i] = block.Levels[i % ActivationBlock.Cols] * block.Scale;
        }
        return y.Values();
    }

    /// <summary>Only the additions of blocks round: 1e-6 of the sum of magnitudes is some eight times the least step of it.</summary>
    private static void AssertSums(float[] weights, float[] activations, float[] sums, int rows, int cols)
    {
        for (int i = 0; i < sums.Length; i++)
        {
            double sum = 0, magnitude = 0;
            for (int c = 0; c < cols; c++)
            {
                double product = (double)weights[i % rows * cols + c] * activations[i / rows * cols + c];
                sum += product;
                magnitude += Math.Abs(product);
            }
            Assert.True(Math.Abs(sum - sums[i]) <= 1e-6 * magnitude + 1e-30, $"Sum {i} is {sums[i]:R}, not {sum:R}.");
        }
    }

    private static ActivationBlock Rounded(float[] values)
    {
        ActivationBlock block;
        fixed (float* from = values) QuantizeRows.Block(from, &block);
        return block;
    }

    /// <summary>Finite 16-bit scales (0.5 and 0.25) in the blocks of a file.</summary>
    private static void SetScales(WeightFormat format, byte[] blocks)
    {
        int[] halves = format switch
        {
            WeightFormat.Q4_1 or WeightFormat.Q5_1 or WeightFormat.Q4_K or WeightFormat.Q5_K => [0, 2],
            WeightFormat.Q3_K => [108],
            WeightFormat.Q6_K => [208],
            _ => [0],
        };
        for (int block = 0; block < blocks.Length; block += BlockFormat.Of(format).FileBytes)
            for (int i = 0; i < halves.Length; i++) BitConverter.TryWriteBytes(blocks.AsSpan(block + halves[i]), (Half)(0.5f / (i + 1)));
    }

    private float[] Floats(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.NextSingle() * 2 - 1)];
}
