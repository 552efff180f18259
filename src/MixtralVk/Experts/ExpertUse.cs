namespace MixtralVk.Experts;

/// <summary>
/// How often each expert was chosen lately: a count of tokens, in which a token counts half after a number of further tokens of its layer. Same
/// choices give the same counts, bit for bit. Allocates nothing once made; not thread-safe.
/// </summary>
internal sealed class ExpertUse
{
    private readonly double[] _counts; // (layer, expert)
    private readonly double _decay;

    /// <param name="layerCount">Layers.</param>
    /// <param name="expertCount">Experts of a layer.</param>
    /// <param name="halfLife">Tokens after which a token counts half.</param>
    public ExpertUse(int layerCount, int expertCount, double halfLife)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(halfLife);
        (LayerCount, ExpertCount) = (layerCount, expertCount);
        _counts = new double[layerCount * expertCount];
        _decay = -Math.Log(2) / halfLife;
    }

    public int LayerCount { get; }

    /// <summary>Experts of a layer.</summary>
    public int ExpertCount { get; }

    /// <summary>Tokens that chose the expert, the older the less.</summary>
    public double this[ExpertId id] => _counts[id.Layer * ExpertCount + id.Expert];

    /// <summary>A step went through a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="tokensPerExpert">(experts): tokens of the step that chose each.</param>
    /// <param name="tokens">Tokens of the step.</param>
    public void Chosen(int layer, ReadOnlySpan<int> tokensPerExpert, int tokens)
    {
        Span<double> counts = _counts.AsSpan(layer * ExpertCount, ExpertCount);
        double kept = Math.Exp(_decay * tokens);
        for (int expert = 0; expert < counts.Length; expert++) counts[expert] = kept * counts[expert] + tokensPerExpert[expert];
    }
}
