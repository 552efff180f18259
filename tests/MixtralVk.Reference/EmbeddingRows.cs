namespace MixtralVk.Reference;

/// <summary>The embedding rows of the tokens.</summary>
public static class EmbeddingRows
{
    /// <param name="table">(vocab, dim)</param>
    /// <param name="tokens">Token ids.</param>
    /// <param name="dim">Length of a row.</param>
    /// <returns>(tokens, dim)</returns>
    public static float[] Run(ReadOnlySpan<float> table, ReadOnlySpan<int> tokens, int dim)
    {
        var output = new float[tokens.Length * dim];
        for (int t = 0; t < tokens.Length; t++) table.Slice(tokens[t] * dim, dim).CopyTo(output.AsSpan(t * dim));
        return output;
    }
}
