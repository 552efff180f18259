namespace MixtralVk.Model;

/// <summary>
/// Cosines and sines of rotary position embedding (Su et al. 2021): pair i of a head at position p turns by
/// <c>p * base^(-2i / ropeDim)</c>, changed by the model's <see cref="RopeScaling"/> and its factors.
/// </summary>
internal static class RopeTable
{
    /// <summary>
    /// Fills (position, ropeDim / 2) pairs of cosine and sine, for as many positions as fit <paramref name="table"/>. Computed in double,
    /// as the angle grows to tens of thousands.
    /// </summary>
    public static void Fill(ModelConfig config, Span<float> table) => Fill(Frequencies(config), config.RopeScaling.Magnitude, table);

    /// <summary>The same for given angles per position, one of each pair.</summary>
    internal static void Fill(ReadOnlySpan<double> frequencies, double magnitude, Span<float> table)
    {
        int pairs = frequencies.Length;
        for (int position = 0; position < table.Length / (2 * pairs); position++)
        {
            Span<float> row = table.Slice(position * 2 * pairs, 2 * pairs);
            for (int i = 0; i < pairs; i++)
            {
                (double sin, double cos) = Math.SinCos(position * frequencies[i]);
                row[2 * i] = (float)(cos * magnitude);
                row[2 * i + 1] = (float)(sin * magnitude);
            }
        }
    }

    /// <summary>Radians that each pair turns per position, ropeDim / 2 of them.</summary>
    internal static double[] Frequencies(ModelConfig config)
    {
        var frequencies = new double[config.RopeDim / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            double factor = config.RopeFactors.Count == 0 ? 1 : config.RopeFactors[i];
            frequencies[i] = Math.Pow(config.RopeBase, -2.0 * i / config.RopeDim) / factor
                * config.RopeScaling.Scale(i, config.RopeDim, config.RopeBase);
        }
        return frequencies;
    }
}
