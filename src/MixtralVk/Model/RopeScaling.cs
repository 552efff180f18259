namespace MixtralVk.Model;

/// <summary>Kinds of <see cref="RopeScaling"/>.</summary>
public enum RopeScalingKind
{
    /// <summary>Positions as they are.</summary>
    None,
    /// <summary>All positions divided by the factor (Chen et al. 2023, arXiv 2306.15595).</summary>
    Linear,
    /// <summary>Slow pairs divided, fast pairs as they are, a ramp between them (Peng et al. 2023, arXiv 2309.00071).</summary>
    Yarn,
}

/// <summary>Context extension of rotary position embedding, with the meanings and defaults of llama.cpp.</summary>
/// <param name="Kind">Kind of scaling.</param>
/// <param name="Factor">How many times longer the context became; positive.</param>
/// <param name="AttentionFactor">Cosines and sines are multiplied by this, besides what YaRN does itself.</param>
/// <param name="OriginalContext">Context in tokens before the extension; YaRN only.</param>
/// <param name="BetaFast">A pair that turns at least this often in the original context keeps its frequency; YaRN only.</param>
/// <param name="BetaSlow">A pair that turns at most this often in the original context is divided by the factor; YaRN only.</param>
public sealed record RopeScaling(
    RopeScalingKind Kind, float Factor = 1, float AttentionFactor = 1, int OriginalContext = 0, float BetaFast = 32, float BetaSlow = 1)
{
    /// <summary>No scaling.</summary>
    public static RopeScaling None { get; } = new(RopeScalingKind.None);

    /// <summary>What cosines and sines are multiplied by: YaRN's <c>1 + 0.1 ln(factor)</c> and the attention factor.</summary>
    internal double Magnitude =>
        AttentionFactor * (Kind == RopeScalingKind.Yarn && Factor > 1 ? 1 + 0.1 * Math.Log(Factor) : 1);

    /// <summary>What the frequency of pair <paramref name="pair"/> is multiplied by.</summary>
    internal double Scale(int pair, int ropeDim, double ropeBase)
    {
        if (Kind == RopeScalingKind.None) return 1;
        double divided = 1.0 / Factor;
        if (Kind == RopeScalingKind.Linear) return divided;
        double low = Math.Max(0, Math.Floor(PairTurning(BetaFast, ropeDim, ropeBase)));
        double high = Math.Min(ropeDim - 1, Math.Ceiling(PairTurning(BetaSlow, ropeDim, ropeBase)));
        double kept = 1 - Math.Clamp((pair - low) / Math.Max(0.001, high - low), 0, 1);
        return divided * (1 - kept) + kept;
    }

    /// <summary>The pair, as a real number, that turns <paramref name="turns"/> times in the original context.</summary>
    private double PairTurning(double turns, int ropeDim, double ropeBase) =>
        ropeDim * Math.Log(OriginalContext / (turns * 2 * Math.PI)) / (2 * Math.Log(ropeBase));
}
