using System.Runtime.Intrinsics;

namespace MixtralVk.Sampling;

/// <summary>
/// Sums over all logits, in double: eight partial sums of every eighth token each, so that the order is the same on every processor. NaN
/// and negative infinity count for nothing, positive infinity as the largest finite float.
/// </summary>
internal static class LogitSums
{
    /// <summary>The largest number, at most the largest finite one; negative infinity where there is none.</summary>
    public static float Largest(ReadOnlySpan<float> logits)
    {
        Vector256<float> most = Vector256.Create(float.NegativeInfinity), other = most;
        int i = 0;
        for (; i + 2 * Vector256<float>.Count <= logits.Length; i += 2 * Vector256<float>.Count)
        {
            most = Larger(Vector256.Create(logits[i..]), most);
            other = Larger(Vector256.Create(logits[(i + Vector256<float>.Count)..]), other);
        }
        most = Larger(other, most);
        float largest = float.NegativeInfinity;
        for (int lane = 0; lane < Vector256<float>.Count; lane++) largest = Math.Max(largest, most[lane]);
        for (; i < logits.Length; i++) if (logits[i] > largest) largest = logits[i];
        return Math.Min(largest, float.MaxValue);
    }

    /// <summary>The larger of both in each lane: a comparison with NaN is false, so NaN never gets in.</summary>
    private static Vector256<float> Larger(Vector256<float> value, Vector256<float> most) =>
        Vector256.ConditionalSelect(Vector256.GreaterThan(value, most), value, most);

    /// <summary>Sum of exp((logit - most) / temperature).</summary>
    public static double Weights(ReadOnlySpan<float> logits, double most, double temperature) => Sum(logits, new Weight(most, temperature));

    /// <summary>The same of the tokens for which (logit - most) / temperature is at least -<paramref name="range"/>.</summary>
    public static double WeightsWithin(ReadOnlySpan<float> logits, double most, double temperature, double range) =>
        Sum(logits, new WeightWithin(most, temperature, range));

    /// <summary>
    /// Mean of (logit - most) / temperature, each counted by its probability; <paramref name="weights"/> is the sum of weights.
    /// </summary>
    public static double MeanByProbability(ReadOnlySpan<float> logits, double most, double temperature, double weights) =>
        Sum(logits, new WeightedLogit(most, temperature)) / weights;

    /// <summary>Tokens that have a chance.</summary>
    public static double Count(ReadOnlySpan<float> logits) => Sum(logits, new One());

    /// <summary>Standard deviation of the logits.</summary>
    public static double Deviation(ReadOnlySpan<float> logits)
    {
        double count = Count(logits), mean = Sum(logits, new Value()) / count;
        return Math.Sqrt(Sum(logits, new Square(mean)) / count);
    }

    private static double Sum<TTerm>(ReadOnlySpan<float> logits, TTerm term) where TTerm : struct, ITerm
    {
        Vector512<double> sums = Vector512<double>.Zero;
        Span<float> last = stackalloc float[Vector512<double>.Count];
        for (int i = 0; i < logits.Length; i += Vector512<double>.Count)
        {
            scoped ReadOnlySpan<float> block = logits[i..];
            if (block.Length < Vector512<double>.Count)
            {
                last.Fill(float.NegativeInfinity);
                block.CopyTo(last);
                block = last;
            }
            Vector256<float> values = Vector256.Min(Vector256.Create(block), Vector256.Create(float.MaxValue));
            (Vector256<double> low, Vector256<double> high) = Vector256.Widen(values);
            Vector512<double> logit = Vector512.Create(low, high);
            sums += Vector512.ConditionalSelect(Vector512.GreaterThan(logit, Vector512.Create(double.NegativeInfinity)), term.Of(logit),
                Vector512<double>.Zero);
        }
        return Vector512.Sum(sums);
    }

    private interface ITerm
    {
        Vector512<double> Of(Vector512<double> logit);
    }

    private readonly struct Weight(double most, double temperature) : ITerm
    {
        public Vector512<double> Of(Vector512<double> logit) =>
            Vector512.Exp((logit - Vector512.Create(most)) / Vector512.Create(temperature));
    }

    private readonly struct WeightWithin(double most, double temperature, double range) : ITerm
    {
        public Vector512<double> Of(Vector512<double> logit)
        {
            Vector512<double> relative = (logit - Vector512.Create(most)) / Vector512.Create(temperature);
            return Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(relative, Vector512.Create(-range)), Vector512.Exp(relative),
                Vector512<double>.Zero);
        }
    }

    private readonly struct WeightedLogit(double most, double temperature) : ITerm
    {
        public Vector512<double> Of(Vector512<double> logit)
        {
            Vector512<double> relative = (logit - Vector512.Create(most)) / Vector512.Create(temperature);
            return relative * Vector512.Exp(relative);
        }
    }

    private readonly struct One : ITerm
    {
        public Vector512<double> Of(Vector512<double> logit) => Vector512<double>.One;
    }

    private readonly struct Value : ITerm
    {
        public Vector512<double> Of(Vector512<double> logit) => logit;
    }

    private readonly struct Square(double mean) : ITerm
    {
        public Vector512<double> Of(Vector512<double> logit) => (logit - Vector512.Create(mean)) * (logit - Vector512.Create(mean));
    }
}
