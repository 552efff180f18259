namespace MixtralVk.Reference;

/// <summary>
/// Rotary position embedding: pair (2i, 2i+1) of a head is rotated by position * base^(-2i / ropeDim); dimensions from ropeDim on stay.
/// Su et al., "RoFormer", arXiv 2104.09864, equation 34.
/// </summary>
public static class Rope
{
    /// <param name="vectors">(tokens, heads, headDim)</param>
    /// <param name="positions">(tokens)</param>
    /// <param name="headDim">Length of a head.</param>
    /// <param name="ropeDim">Leading dimensions of a head that are rotated.</param>
    /// <param name="ropeBase">Base frequency.</param>
    /// <returns>(tokens, heads, headDim)</returns>
    public static float[] Run(ReadOnlySpan<float> vectors, ReadOnlySpan<int> positions, int headDim, int ropeDim, double ropeBase) =>
        Run(vectors, positions, headDim, [.. Enumerable.Range(0, ropeDim / 2).Select(i => Math.Pow(ropeBase, -2.0 * i / ropeDim))], 1);

    /// <param name="vectors">(tokens, heads, headDim)</param>
    /// <param name="positions">(tokens)</param>
    /// <param name="headDim">Length of a head.</param>
    /// <param name="frequencies">Radians per position, one per pair.</param>
    /// <param name="magnitude">What every rotated vector is multiplied by.</param>
    /// <returns>(tokens, heads, headDim)</returns>
    public static float[] Run(ReadOnlySpan<float> vectors, ReadOnlySpan<int> positions, int headDim, double[] frequencies, double magnitude)
    {
        var output = vectors.ToArray();
        int tokenLength = vectors.Length / positions.Length;
        for (int t = 0; t < positions.Length; t++)
            for (int head = t * tokenLength; head < (t + 1) * tokenLength; head += headDim)
                for (int i = 0; i < frequencies.Length; i++)
                {
                    double angle = positions[t] * frequencies[i];
                    double cos = magnitude * Math.Cos(angle), sin = magnitude * Math.Sin(angle), a = vectors[head + 2 * i],
                        b = vectors[head + 2 * i + 1];
                    output[head + 2 * i] = (float)(a * cos - b * sin);
                    output[head + 2 * i + 1] = (float)(a * sin + b * cos);
                }
        return output;
    }
}
