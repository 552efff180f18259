using System.Globalization;
using System.Runtime.InteropServices;
using MixtralVk.Reference;

namespace MixtralVk.Testing;

/// <summary>
/// How far logits are from an oracle's: the relative error |actual - expected| / |expected| of each row, judged by its median and 90th
/// percentile, as two experts that are nearly tied may swap and change a whole row.
/// </summary>
public sealed class LogitsComparison
{
    /// <summary>Router logits closer than this may swap experts without anybody being wrong.</summary>
    public const double NearTie = 1e-3;

    private readonly double[] _errors;
    private readonly IReadOnlySet<int> _nearTies;

    /// <summary>Compares (rows, vocab) logits; <paramref name="nearTies"/> are the rows where the router may go either way.</summary>
    public LogitsComparison(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, int vocab, IReadOnlySet<int>? nearTies = null)
    {
        if (expected.Length != actual.Length || expected.Length == 0 || expected.Length % vocab != 0)
            throw new ArgumentException($"{expected.Length} expected and {actual.Length} actual logits for a vocabulary of {vocab}.");
        _errors = new double[expected.Length / vocab];
        for (int row = 0; row < _errors.Length; row++)
            _errors[row] = RelativeError(expected.Slice(row * vocab, vocab), actual.Slice(row * vocab, vocab));
        _nearTies = nearTies ?? new HashSet<int>();
        double[] sorted = [.. _errors.Order()];
        Median = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        Percentile90 = sorted[(int)Math.Ceiling(0.9 * sorted.Length) - 1];
        WorstRow = Array.IndexOf(_errors, sorted[^1]);
    }

    /// <summary>Relative error of each row.</summary>
    public IReadOnlyList<double> Errors => _errors;

    /// <summary>Half of the rows are at most this far off.</summary>
    public double Median { get; }

    /// <summary>Nine rows of ten are at most this far off.</summary>
    public double Percentile90 { get; }

    /// <summary>The row with the largest error.</summary>
    public int WorstRow { get; }

    /// <summary>
    /// Null when the median is within the bound, the 90th percentile within twice the bound and no row above ten times the bound, near
    /// ties excepted; otherwise what is wrong.
    /// </summary>
    public string? Problem(double bound)
    {
        if (!(Median <= bound)) return $"median above {Text(bound)}: {this}";
        if (!(Percentile90 <= 2 * bound)) return $"90th percentile above {Text(2 * bound)}: {this}";
        for (int row = 0; row < _errors.Length; row++)
            if (!(_errors[row] <= 10 * bound) && !_nearTies.Contains(row))
                return $"row {row} is {Text(_errors[row])} off, above {Text(10 * bound)}: {this}";
        return null;
    }

    public override string ToString() =>
        $"{_errors.Length} rows, median {Text(Median)}, 90th percentile {Text(Percentile90)}, worst row {WorstRow} with {Text(_errors[WorstRow])}"
        + $"{(_nearTies.Contains(WorstRow) ? " (near tie of two experts)" : "")}, {_nearTies.Count} rows with near ties";

    /// <summary>Rows of a sequence in which the last expert chosen and the first one not chosen are nearly tied in some layer.</summary>
    public static IReadOnlySet<int> NearTies(ReferenceModel model, ReadOnlySpan<int> tokens)
    {
        var rows = new HashSet<int>();
        int experts = model.Config.ExpertCount, topK = model.Config.ExpertsPerToken;
        if (experts <= topK) return rows;
        model.Logits(tokens, onLayer: layer =>
        {
            for (int row = 0; row < layer.RouterLogits.Length / experts; row++)
            {
                float[] logits = [.. layer.RouterLogits.Skip(row * experts).Take(experts).OrderDescending()];
                if (logits[topK - 1] - logits[topK] < NearTie) rows.Add(row);
            }
        });
        return rows;
    }

    /// <summary>Reads a file of little-endian floats.</summary>
    public static float[] Read(string path) => MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path)).ToArray();

    private static double RelativeError(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow((double)actual[i] - expected[i], 2);
            norm += Math.Pow(expected[i], 2);
        }
        // Not a number counts as infinitely far off, so that no comparison lets it through.
        return double.IsFinite(difference) ? Math.Sqrt(difference) / Math.Max(Math.Sqrt(norm), double.Epsilon) : double.PositiveInfinity;
    }

    private static string Text(double value) => value.ToString("0.0e+0", CultureInfo.InvariantCulture);
}
