namespace MixtralVk.Reference;

/// <summary>SwiGLU of one expert: hidden = silu(gate . x) * (up . x), silu(z) = z / (1 + exp(-z)).</summary>
public static class ExpertGateUp
{
    /// <param name="gate">(hidden, dim)</param>
    /// <param name="up">(hidden, dim)</param>
    /// <param name="input">(tokens, dim)</param>
    /// <param name="dim">Length of a row.</param>
    /// <returns>(tokens, hidden)</returns>
    public static float[] Run(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, ReadOnlySpan<float> input, int dim)
    {
        float[] gated = MatMul.Run(gate, input, dim), output = MatMul.Run(up, input, dim);
        for (int i = 0; i < output.Length; i++) output[i] = SwiGlu(gated[i], output[i]);
        return output;
    }

    /// <summary>One value.</summary>
    public static float SwiGlu(float gate, float up) => (float)(gate / (1 + Math.Exp(-(double)gate)) * up);
}
