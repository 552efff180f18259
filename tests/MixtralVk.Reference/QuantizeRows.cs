namespace MixtralVk.Reference;

/// <summary>Activations of 8 bits: of each 32 columns <c>scale = max |x| / 127, q = round(x / scale)</c>.</summary>
public static class QuantizeRows
{
    /// <summary>Columns of a block.</summary>
    public const int BlockCols = 32;

    /// <summary>The quants, and for each block scale and sum of quants times scale.</summary>
    public static (sbyte[] Quants, float[] Scales, float[] Sums) Run(ReadOnlySpan<float> input)
    {
        var quants = new sbyte[input.Length];
        float[] scales = new float[input.Length / BlockCols], sums = new float[scales.Length];
        for (int block = 0; block < scales.Length; block++)
        {
            ReadOnlySpan<float> values = input.Slice(block * BlockCols, BlockCols);
            float most = 0;
            foreach (float value in values) most = Math.Max(most, Math.Abs(value));
            scales[block] = most / 127;
            int sum = 0;
            for (int i = 0; i < BlockCols; i++)
            {
                var q = (sbyte)(most == 0 ? 0 : Math.Clamp(MathF.Round(values[i] * (127 / most)), -127, 127));
                quants[block * BlockCols + i] = q;
                sum += q;
            }
            sums[block] = scales[block] * sum;
        }
        return (quants, scales, sums);
    }

    /// <summary>What the quants stand for.</summary>
    public static float[] Dequantize(ReadOnlySpan<sbyte> quants, ReadOnlySpan<float> scales)
    {
        var values = new float[quants.Length];
        for (int i = 0; i < values.Length; i++) values[i] = quants[i] * scales[i / BlockCols];
        return values;
    }
}
