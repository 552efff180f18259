namespace MixtralVk.Reference;

/// <summary>y[t, r] = sum over c of weights[r, c] * x[t, c].</summary>
public static class MatMul
{
    /// <param name="weights">(rows, cols)</param>
    /// <param name="input">(tokens, cols)</param>
    /// <param name="cols">Length of a row.</param>
    /// <returns>(tokens, rows)</returns>
    public static float[] Run(ReadOnlySpan<float> weights, ReadOnlySpan<float> input, int cols)
    {
        int rows = weights.Length / cols, tokens = input.Length / cols;
        var output = new float[tokens * rows];
        for (int t = 0; t < tokens; t++)
            for (int r = 0; r < rows; r++)
                output[t * rows + r] = (float)Dot(weights.Slice(r * cols, cols), input.Slice(t * cols, cols));
        return output;
    }

    internal static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
        return sum;
    }
}
