namespace MixtralVk.Model;

/// <summary>
/// Cosines and sines of rotary position embedding (Su et al. 2021): pair i of a head at position p turns by
/// <c>p * base^(-2i / ropeDim)</c>.
/// </summary>
internal static class RopeTable
{
    /// <summary>
    /// Fills (position, ropeDim / 2) pairs of cosine and sine, for as many positions as fit <paramref name="table"/>. Computed in double, as the
    /// angle grows to tens of thousands.
    /// </summary>
    public static void Fill(int ropeDim, double ropeBase, Span<float> table)
    {
        int pairs = ropeDim / 2;
        double[] frequencies = [.. Enumerable.Range(0, pairs).Select(i => Math.Pow(ropeBase, -2.0 * i / ropeDim))];
        for (int position = 0; position < table.Length / (2 * pairs); position++)
        {
            Span<float> row = table.Slice(position * 2 * pairs, 2 * pairs);
            for (int i = 0; i < pairs; i++)
            {
                (double sin, double cos) = Math.SinCos(position * frequencies[i]);
                row[2 * i] = (float)cos;
                row[2 * i + 1] = (float)sin;
            }
        }
    }
}
