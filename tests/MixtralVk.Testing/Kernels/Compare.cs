namespace MixtralVk.Testing.Kernels;

/// <summary>Comparisons with the reference.</summary>
internal static class Compare
{
    /// <summary>
    /// Compares floats: the largest error against the root mean square of what is expected, and the normalised mean square error against
    /// the square of a tenth of that bound. Where NaN is expected the poison must still be there.
    /// </summary>
    public static void Floats(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double bound)
    {
        if (expected.Length != actual.Length) throw new CaseFailedException($"{actual.Length} values instead of {expected.Length}.");
        double squares = 0, errors = 0, worst = 0;
        int worstAt = 0, count = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (float.IsNaN(expected[i]))
            {
                if (BitConverter.SingleToUInt32Bits(actual[i]) != CaseBuffer.Poison)
                    throw new CaseFailedException($"Value {i} was written: {actual[i]}.");
                continue;
            }
            if (!float.IsFinite(actual[i]))
                throw new CaseFailedException(
                    $"Value {i} is {actual[i]} ({BitConverter.SingleToUInt32Bits(actual[i]):x8}) instead of {expected[i]}.");
            double error = Math.Abs((double)actual[i] - expected[i]);
            squares += (double)expected[i] * expected[i];
            errors += error * error;
            count++;
            if (error > worst) (worst, worstAt) = (error, i);
        }
        if (count == 0) return;
        if (squares == 0) throw new CaseFailedException("Everything expected is zero: the case shows nothing.");
        double rms = Math.Sqrt(squares / count), nmse = errors / squares;
        if (worst > bound * rms)
            throw new CaseFailedException(
                $"Value {worstAt} is {actual[worstAt]:g9} instead of {expected[worstAt]:g9}; the bound is {bound * rms:g3} (NMSE {nmse:g3}).");
        if (nmse > bound * bound / 100)
            throw new CaseFailedException($"The normalised mean square error is {nmse:g3}; the bound is {bound * bound / 100:g3}.");
    }

    /// <summary>Compares words bit for bit.</summary>
    public static void Words(ReadOnlySpan<uint> expected, ReadOnlySpan<uint> actual)
    {
        if (expected.Length != actual.Length) throw new CaseFailedException($"{actual.Length} words instead of {expected.Length}.");
        for (int i = 0; i < expected.Length; i++)
            if (expected[i] != actual[i]) throw new CaseFailedException($"Word {i} is {actual[i]:x8} instead of {expected[i]:x8}.");
    }

    /// <summary>Compares the router's choice row by row as pairs of id and weight, in order.</summary>
    public static void Choice(ReadOnlySpan<int> ids, ReadOnlySpan<float> weights, ReadOnlySpan<int> actualIds,
        ReadOnlySpan<float> actualWeights, double bound)
    {
        for (int i = 0; i < ids.Length; i++)
            if (ids[i] != actualIds[i] || Math.Abs(weights[i] - actualWeights[i]) > bound)
                throw new CaseFailedException(
                    $"Choice {i} is expert {actualIds[i]} with {actualWeights[i]:g9} instead of {ids[i]} with {weights[i]:g9}.");
    }

    /// <summary>A row of poison for every row that must not be written.</summary>
    public static float[] Untouched(int count)
    {
        var values = new float[count];
        Array.Fill(values, float.NaN);
        return values;
    }
}
