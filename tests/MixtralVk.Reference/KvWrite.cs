namespace MixtralVk.Reference;

/// <summary>What a KV cache keeps of keys or values: the floats themselves, or each rounded to the nearest 16-bit float.</summary>
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
}
