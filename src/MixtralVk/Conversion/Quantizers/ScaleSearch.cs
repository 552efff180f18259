using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace MixtralVk.Conversion.Quantizers;

/// <summary>
/// Scales of a block that make sum of w * (x - stored x)^2 small. For given levels the best scale (and minimum) is the solution of a
/// least-squares problem, and for a given scale the best levels are the nearest ones. So many starting scales are tried, each is improved
/// once by least squares, and the best one goes on alternating between the two, as in Lloyd's algorithm. Lengths are multiples of 8. All
/// sums are formed in one order, so that every machine finds the same.
/// </summary>
internal static class ScaleSearch
{
    // Blocks this small become zeros: their scale would vanish in 16 bits.
    private const float Negligible = 1e-12f;
    private const int Rounds = 4;

    /// <summary>The scale s for x ~ s * q, q from <paramref name="least"/> to <paramref name="most"/>; its sign may be either.</summary>
    public static float Symmetric(ReadOnlySpan<float> x, ReadOnlySpan<float> w, int least, int most)
    {
        float extreme = 0;
        foreach (float value in x)
            if (MathF.Abs(value) > MathF.Abs(extreme)) extreme = value;
        if (MathF.Abs(extreme) < Negligible) return 0;

        float bestGain = 0, best = 0;
        // The largest value may lie on either end of the levels, a little beyond or short of it.
        for (int step = -12; step <= 9; step++)
        {
            Improve(x, w, (least - 0.1f * step) / extreme, least, most, ref best, ref bestGain);
            if (most < 16) Improve(x, w, (most + 0.1f * step) / extreme, least, most, ref best, ref bestGain);
        }
        for (int round = 0; round < Rounds && best != 0; round++)
        {
            float before = bestGain;
            Improve(x, w, 1 / best, least, most, ref best, ref bestGain);
            if (bestGain <= before) break;
        }
        return best;
    }

    /// <summary>
    /// Scale s and minimum m for x ~ s * q - m, q from 0 to <paramref name="most"/>, s of 0 or more. m is 0 or more, too, unless
    /// <paramref name="anySign"/>.
    /// </summary>
    public static (float Scale, float Minimum) Affine(ReadOnlySpan<float> x, ReadOnlySpan<float> w, int most, bool anySign = false)
    {
        float low = anySign ? float.MaxValue : 0, high = float.MinValue;
        foreach (float value in x) (low, high) = (MathF.Min(low, value), MathF.Max(high, value));
        if (high - low < Negligible) return (0, -low);

        var moments = Moments.Of(x, w);
        (float Scale, float Minimum) best = ((high - low) / most, -low);
        float bestError = moments.Error(Levels(x, w, 1 / best.Scale, -low, most), best.Scale, low);
        for (int step = -10; step <= 10; step++)
            Improve(x, w, moments, (most + 0.1f * step) / (high - low), -low, most, anySign, ref best, ref bestError);
        for (int round = 0; round < Rounds && best.Scale > 0; round++)
        {
            float before = bestError;
            Improve(x, w, moments, 1 / best.Scale, best.Minimum, most, anySign, ref best, ref bestError);
            if (bestError >= before) break;
        }
        return best;
    }

    /// <summary>Error of the nearest levels at a scale and a minimum: sum of w * (x + minimum - scale * q)^2.</summary>
    public static float Error(ReadOnlySpan<float> x, ReadOnlySpan<float> w, float scale, float minimum, int least, int most)
    {
        ref float values = ref MemoryMarshal.GetReference(x), weights = ref MemoryMarshal.GetReference(w);
        Vector256<float> sum = default, s = Vector256.Create(scale), m = Vector256.Create(minimum);
        Vector256<float> inverse = Vector256.Create(MathF.Abs(scale) < 1e-38f ? 0 : 1 / scale), lower = Vector256.Create((float)least),
            upper = Vector256.Create((float)most);
        for (int i = 0; i < x.Length; i += Vector256<float>.Count)
        {
            Vector256<float> value = Vector256.LoadUnsafe(ref values, (nuint)i) + m;
            Vector256<float> q = Vector256.Min(upper, Vector256.Max(lower, Vector256.Round(value * inverse)));
            Vector256<float> error = value - s * q;
            sum += Vector256.LoadUnsafe(ref weights, (nuint)i) * (error * error);
        }
        return Total(sum);
    }

    /// <summary>With s = Sxq / Sqq the error is Sxx - Sxq^2 / Sqq; the last term is the gain.</summary>
    private static void Improve(ReadOnlySpan<float> x, ReadOnlySpan<float> w, float inverse, int least, int most,
        ref float best, ref float bestGain)
    {
        ref float values = ref MemoryMarshal.GetReference(x), weights = ref MemoryMarshal.GetReference(w);
        Vector256<float> xq = default, qq = default, i = Vector256.Create(inverse);
        Vector256<float> lower = Vector256.Create((float)least), upper = Vector256.Create((float)most);
        for (int at = 0; at < x.Length; at += Vector256<float>.Count)
        {
            Vector256<float> value = Vector256.LoadUnsafe(ref values, (nuint)at);
            Vector256<float> q = Vector256.Min(upper, Vector256.Max(lower, Vector256.Round(value * i)));
            Vector256<float> weighted = Vector256.LoadUnsafe(ref weights, (nuint)at) * q;
            xq += weighted * value;
            qq += weighted * q;
        }
        float sumXq = Total(xq), sumQq = Total(qq);
        if (sumQq <= 0 || sumXq * sumXq <= bestGain * sumQq) return;
        (best, bestGain) = (sumXq / sumQq, sumXq * sumXq / sumQq);
    }

    private static void Improve(ReadOnlySpan<float> x, ReadOnlySpan<float> w, in Moments moments, float inverse, float minimum,
        int most, bool anySign,
        ref (float Scale, float Minimum) best, ref float bestError)
    {
        LevelSums sums = Levels(x, w, inverse, minimum, most);
        float determinant = moments.W * sums.Qq - sums.Q * sums.Q;
        if (determinant <= 0) return;
        float scale = (moments.W * sums.Xq - moments.X * sums.Q) / determinant,
            offset = (sums.Qq * moments.X - sums.Q * sums.Xq) / determinant;
        if (offset > 0 && !anySign) (scale, offset) = (sums.Xq / sums.Qq, 0);
        if (!(scale > 0)) return;
        float error = moments.Error(sums, scale, offset);
        if (error >= bestError) return;
        (best, bestError) = ((scale, -offset), error);
    }

    /// <summary>Sums over the levels nearest to x at a scale and a minimum.</summary>
    private static LevelSums Levels(ReadOnlySpan<float> x, ReadOnlySpan<float> w, float inverse, float minimum, int most)
    {
        ref float values = ref MemoryMarshal.GetReference(x), weights = ref MemoryMarshal.GetReference(w);
        Vector256<float> sumQ = default, sumQq = default, sumXq = default;
        Vector256<float> i = Vector256.Create(inverse), m = Vector256.Create(minimum), upper = Vector256.Create((float)most);
        for (int at = 0; at < x.Length; at += Vector256<float>.Count)
        {
            Vector256<float> value = Vector256.LoadUnsafe(ref values, (nuint)at);
            Vector256<float> q = Vector256.Min(upper, Vector256.Max(default, Vector256.Round((value + m) * i)));
            Vector256<float> weighted = Vector256.LoadUnsafe(ref weights, (nuint)at) * q;
            sumQ += weighted;
            sumQq += weighted * q;
            sumXq += weighted * value;
        }
        return new LevelSums(Total(sumQ), Total(sumQq), Total(sumXq));
    }

    /// <summary>The eight lanes in a fixed order; the library's sum may differ between machines.</summary>
    private static float Total(Vector256<float> v)
    {
        Vector128<float> four = v.GetLower() + v.GetUpper();
        return four[0] + four[1] + (four[2] + four[3]);
    }

    /// <summary>Weighted sums over q, q^2 and x q.</summary>
    private readonly record struct LevelSums(float Q, float Qq, float Xq);

    /// <summary>Weighted sums over 1, x and x^2.</summary>
    private readonly record struct Moments(float W, float X, float Xx)
    {
        public static Moments Of(ReadOnlySpan<float> x, ReadOnlySpan<float> w)
        {
            float sumW = 0, sumX = 0, sumXx = 0;
            for (int i = 0; i < x.Length; i++)
            {
                sumW += w[i];
                sumX += w[i] * x[i];
                sumXx += w[i] * x[i] * x[i];
            }
            return new Moments(sumW, sumX, sumXx);
        }

        /// <summary>Sum of w * (x - scale * q - offset)^2, multiplied out.</summary>
        public float Error(in LevelSums sums, float scale, float offset) =>
            Xx + scale * scale * sums.Qq + offset * offset * W + 2 * (scale * offset * sums.Q - scale * sums.Xq - offset * X);
    }
}
