namespace MixtralVk.Reference;

/// <summary>
/// What a KV cache keeps of keys or values: the floats themselves, each rounded to the nearest 16-bit float, or blocks of 8-bit integers.
/// </summary>
public static class KvWrite
{
    /// <param name="vectors">Keys or values of any shape.</param>
    /// <param name="roundToHalf">True for an f16 cache.</param>
    public static float[] Run(ReadOnlySpan<float> vectors, bool roundToHalf)
    {
        var output = vectors.ToArray();
        if (roundToHalf)
            for (int i = 0; i < output.Length; i++) output[i] = (float)(Half)output[i];
        return output;
    }

    /// <summary>
    /// A q8_0 cache: in each head, 32 dimensions (the last ones may be fewer) share a 16-bit scale, a 127th of the largest of them.
    /// </summary>
    /// <param name="vectors">Keys or values, (any, headDim).</param>
    /// <param name="headDim">Length of a head.</param>
    public static float[] RunQ8(ReadOnlySpan<float> vectors, int headDim)
    {
        var output = new float[vectors.Length];
        for (int head = 0; head < vectors.Length; head += headDim)
            for (int first = 0; first < headDim; first += 32)
            {
                ReadOnlySpan<float> block = vectors.Slice(head + first, Math.Min(32, headDim - first));
                (Half scale, sbyte[] quants) = Quantize(block);
                for (int i = 0; i < quants.Length; i++) output[head + first + i] = quants[i] * (float)scale;
            }
        return output;
    }

    /// <summary>The scale of a block and its integers, to nearest even. A value that is not finite makes the scale so.</summary>
    public static (Half Scale, sbyte[] Quants) Quantize(ReadOnlySpan<float> block)
    {
        float most = 0;
        foreach (float v in block) most = Math.Max(most, Math.Abs(v));
        var scale = (Half)(most * (1f / 127));
        var quants = new sbyte[block.Length];
        if (scale != (Half)0 && Half.IsFinite(scale))
            for (int i = 0; i < quants.Length; i++) quants[i] = (sbyte)Math.Clamp(MathF.Round(block[i] / (float)scale), -127, 127);
        return (scale, quants);
    }
}
