namespace MixtralVk.Reference;

/// <summary>y[c] = x[c] / sqrt(mean(x^2) + epsilon) * weight[c], for each row.</summary>
public static class RmsNorm
{
    /// <param name="input">(rows, cols)</param>
    /// <param name="weight">(cols)</param>
    /// <param name="epsilon">Keeps a row of zeros finite.</param>
    /// <returns>(rows, cols)</returns>
    public static float[] Run(ReadOnlySpan<float> input, ReadOnlySpan<float> weight, float epsilon)
    {
        int cols = weight.Length;
        var output = new float[input.Length];
        for (int row = 0; row < input.Length / cols; row++)
        {
            var x = input.Slice(row * cols, cols);
            double squares = 0;
            foreach (float value in x) squares += (double)value * value;
            double scale = 1 / Math.Sqrt(squares / cols + epsilon);
            for (int c = 0; c < cols; c++) output[row * cols + c] = (float)(x[c] * scale * weight[c]);
        }
        return output;
    }
}
