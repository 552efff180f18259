namespace MixtralVk.Reference;

/// <summary>How a model's context was extended, as llama.cpp reads it. <paramref name="Yarn"/> false is linear scaling.</summary>
public sealed record RopeExtension(bool Yarn, double Factor, double AttentionFactor, int OriginalContext, double BetaFast,
    double BetaSlow, float[] Divisors)
{
    /// <summary>No extension.</summary>
    public static RopeExtension None { get; } = new(false, 1, 1, 0, 32, 1, []);

    /// <summary>What rotated vectors are multiplied by; Peng et al., "YaRN", arXiv 2309.00071, equation 22.</summary>
    public double Magnitude => AttentionFactor * (Yarn && Factor > 1 ? 0.1 * Math.Log(Factor) + 1 : 1);

    /// <summary>
    /// Radians per position of every pair. YaRN divides slow pairs by the factor and leaves fast ones, with a ramp over pair indices
    /// (section 3.2; the ramp's ends are rounded outwards, as in the authors' code).
    /// </summary>
    public double[] Frequencies(int ropeDim, double ropeBase)
    {
        var frequencies = new double[ropeDim / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            double plain = 1 / Math.Pow(ropeBase, 2.0 * i / ropeDim);
            if (Divisors.Length > 0) plain /= Divisors[i];
            frequencies[i] = plain / Factor;
            if (!Yarn) continue;
            double first = Math.Floor(PairWithTurns(BetaFast)), last = Math.Ceiling(PairWithTurns(BetaSlow));
            first = first < 0 ? 0 : first;
            last = last > ropeDim - 1 ? ropeDim - 1 : last;
            double interpolated = last - first < 0.001 ? (i > first ? 1 : 0) : i <= first ? 0 : i >= last
                ? 1 : (i - first) / (last - first);
            frequencies[i] = plain / Factor * interpolated + plain * (1 - interpolated);
        }
        return frequencies;

        // Solves OriginalContext * base^(-2i / ropeDim) = 2 pi turns for i.
        double PairWithTurns(double turns) => Math.Log(OriginalContext / (2 * Math.PI * turns), ropeBase) * ropeDim / 2;
    }
}
