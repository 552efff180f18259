using System.Numerics;

namespace MixtralVk.Experts;

/// <summary>
/// Seconds that an expert takes on one side, by the tokens it gets: an exponential average of what was measured, per class of 1, 2, up to 4, up to
/// 8, ... tokens. Not thread-safe.
/// </summary>
internal sealed class ExpertSeconds
{
    private const int Classes = 24;

    /// <summary>Weight of the newest measurement, and what one measurement can at most count for: the machine may have done something else.</summary>
    private const double Newest = 0.25, MostOff = 4;

    private readonly double[] _averages = new double[Classes];

    public ExpertSeconds() => Array.Fill(_averages, double.NaN);

    /// <summary>
    /// What an expert is expected to take with so many tokens; NaN while nothing was measured. A class not measured is bounded from above: by so many times
    /// the next smaller one, else by the next larger.
    /// </summary>
    public double Of(int tokens)
    {
        if (tokens == 0) return 0;
        int index = ClassOf(tokens);
        for (int i = index; i >= 0; i--)
            if (!double.IsNaN(_averages[i])) return _averages[i] * (1 << (index - i));
        for (int i = index + 1; i < Classes; i++)
            if (!double.IsNaN(_averages[i])) return _averages[i];
        return double.NaN;
    }

    /// <summary>Experts of a layer ran together and took so long: each one's average moves by what they were off together.</summary>
    /// <param name="tokens">(experts): tokens of each; those with none did not run.</param>
    /// <param name="seconds">What they took together.</param>
    public void Learn(ReadOnlySpan<int> tokens, double seconds)
    {
        double expected = 0;
        int ran = 0;
        foreach (int count in tokens)
        {
            expected += Of(count);
            if (count > 0) ran++;
        }
        uint corrected = 0; // a bit per class
        foreach (int count in tokens)
        {
            int index = ClassOf(count);
            if (count == 0 || (corrected >> index & 1) != 0) continue;
            corrected |= 1u << index;
            double factor = Math.Min(MostOff, seconds / expected);
            if (double.IsNaN(expected)) _averages[index] = seconds / ran;
            else _averages[index] = double.IsNaN(_averages[index]) ? Of(count) * seconds / expected : _averages[index] * (1 + Newest * (factor - 1));
        }
    }

    private static int ClassOf(int tokens) => tokens == 0 ? 0 : Math.Min(Classes - 1, BitOperations.Log2((uint)tokens * 2 - 1));
}
