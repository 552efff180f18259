using MixtralVk.Testing;

namespace MixtralVk.Tests.Oracle;

public class LogitsComparisonTests
{
    [Fact]
    public void Errors_are_relative_and_judged_by_median_percentile_and_worst_row()
    {
        // Eleven rows of length 5 (3, 4): ten off by 1 %, one by 20 %.
        float[] expected = [.. Enumerable.Repeat(new[] { 3f, 4f }, 11).SelectMany(r => r)], actual = [.. expected];
        for (int row = 0; row < 11; row++) actual[row * 2] += row == 7 ? 1f : 0.05f;

        var comparison = new LogitsComparison(expected, actual, 2);
        Assert.Equal(0.01, comparison.Median, 1e-6);
        Assert.Equal(0.01, comparison.Percentile90, 1e-6);
        Assert.Equal(7, comparison.WorstRow);
        Assert.Equal(0.2, comparison.Errors[7], 1e-6);
        Assert.Null(comparison.Problem(0.021));
        Assert.StartsWith("row 7", comparison.Problem(0.011));
        Assert.StartsWith("median", comparison.Problem(0.009));
        Assert.Null(new LogitsComparison(expected, actual, 2, new HashSet<int> { 7 }).Problem(0.011));
    }

    [Fact]
    public void Many_bad_rows_are_seen_by_the_percentile_and_NaN_by_everything()
    {
        float[] expected = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1], actual = [1, 1, 1, 1, 1, 1, 1, 1, 1.03f, 1.03f];
        Assert.StartsWith("90th", new LogitsComparison(expected, actual, 1).Problem(0.01));
        Assert.Null(new LogitsComparison(expected, actual, 1).Problem(0.016));
        actual[0] = float.NaN;
        Assert.StartsWith("row 0", new LogitsComparison(expected, actual, 1).Problem(0.1));
    }
}
