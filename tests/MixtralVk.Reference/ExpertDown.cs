namespace MixtralVk.Reference;

/// <summary>Down projection of one expert: output = down . hidden.</summary>
public static class ExpertDown
{
    /// <param name="down">(dim, hidden)</param>
    /// <param name="input">(tokens, hidden)</param>
    /// <param name="hidden">Length of a row.</param>
    /// <returns>(tokens, dim)</returns>
    public static float[] Run(ReadOnlySpan<float> down, ReadOnlySpan<float> input, int hidden) => MatMul.Run(down, input, hidden);
}
