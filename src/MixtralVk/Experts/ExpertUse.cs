namespace MixtralVk.Experts;

/// <summary>
/// How often each expert was chosen lately: a count of tokens, in which a token counts half after <see cref="HalfLife"/> further tokens of
/// its layer. Same choices give the same counts, bit for bit. Allocates nothing once made; not thread-safe.
/// </summary>
internal sealed class ExpertUse
{
    /// <summary>Long enough for counts that tell experts apart, short enough to follow a conversation to another subject.</summary>
    public const int HalfLife = 512;

    private static readonly double s_decay = -Math.Log(2) / HalfLife;

    private readonly double[] _counts; // (layer, expert)

    /// <summary>Nothing was chosen yet.</summary>
    public ExpertUse(int layerCount, int expertCount)
    {
        (LayerCount, ExpertCount) = (layerCount, expertCount);
        _counts = new double[layerCount * expertCount];
    }

    /// <summary>Layers.</summary>
    public int LayerCount { get; }

    /// <summary>Experts of a layer.</summary>
    public int ExpertCount { get; }

    /// <summary>(layer, expert): tokens that chose each, the older the less.</summary>
    public Span<double> Counts => _counts;

    /// <summary>Tokens that chose an expert, the older the less.</summary>
    public double this[int layer, int expert] => _counts[layer * ExpertCount + expert];

    /// <summary>A step went through a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="choices">(tokens, topK): the experts chosen; those that do not exist count for none.</param>
    /// <param name="tokens">Tokens of the step.</param>
    public void Chosen(int layer, ReadOnlySpan<int> choices, int tokens)
    {
        Span<double> counts = _counts.AsSpan(layer * ExpertCount, ExpertCount);
        double kept = Math.Exp(s_decay * tokens);
        foreach (ref double count in counts) count *= kept;
        foreach (int expert in choices)
            if ((uint)expert < (uint)ExpertCount) counts[expert]++;
    }
}
