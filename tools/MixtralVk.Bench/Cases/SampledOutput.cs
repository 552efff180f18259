using MixtralVk.Testing.Kernels;

namespace MixtralVk.Bench;

/// <summary>
/// Compares the output (tokens, rows) of a product with the reference at a sample of rows and tokens, the first and the last among them,
/// and looks at every value for what no finite product gives.
/// </summary>
internal sealed class SampledOutput(int tokens, int rows, double bound)
{
    private const int SampledRows = 64, SampledTokens = 8;

    private double[]? _expected;

    private int[] Rows { get; } = Sample(rows, SampledRows);

    private int[] Tokens { get; } = Sample(tokens, SampledTokens);

    /// <summary>Throws <see cref="CaseFailedException"/> naming the element that is wrong.</summary>
    /// <param name="actual">What the kernel wrote.</param>
    /// <param name="reference">The value of (token, row).</param>
    public void Compare(ReadOnlySpan<float> actual, Func<int, int, double> reference)
    {
        for (int i = 0; i < actual.Length; i++)
            if (!float.IsFinite(actual[i]))
            {
                string what = BitConverter.SingleToUInt32Bits(actual[i]) == CaseBuffer.Poison ? "was not written" : $"is {actual[i]}";
                throw new CaseFailedException($"Row {i % rows} of token {i / rows} {what}.");
            }

        _expected ??= [.. from token in Tokens from row in Rows select reference(token, row)];
        double rms = Math.Sqrt(_expected.Sum(v => v * v) / _expected.Length);
        for (int i = 0; i < _expected.Length; i++)
        {
            (int token, int row) = (Tokens[i / Rows.Length], Rows[i % Rows.Length]);
            float value = actual[token * rows + row];
            if (Math.Abs(value - _expected[i]) > bound * rms)
                throw new CaseFailedException(
                    $"Row {row} of token {token} is {value:g7} instead of {_expected[i]:g7}; the bound is {bound * rms:g3}.");
        }
    }

    /// <summary>
    /// Different indices below <paramref name="count"/>: both ends, those around the end of the first tile, and random ones.
    /// </summary>
    private static int[] Sample(int count, int wanted)
    {
        if (count <= wanted) return [.. Enumerable.Range(0, count)];
        var random = new Random(7);
        return [.. new[] { 0, count - 1, 63, 64 }.Where(i => i < count).Concat(Enumerable.Range(0, wanted).Select(_ => random.Next(count)))
            .Distinct().Order()];
    }
}
