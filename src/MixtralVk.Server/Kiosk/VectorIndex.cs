namespace MixtralVk.Server.Kiosk;

/// <summary>
/// Compares the vector of a question with those of texts: the cosine once the mean of the texts is taken away, as a model's vectors all
/// point much the same way. Immutable and thread-safe.
/// </summary>
internal sealed class VectorIndex
{
    private readonly double[] _mean;
    private readonly double[][] _texts; // (text, dim), each of length 1

    /// <param name="vectors">One for each text, all of the same size.</param>
    public VectorIndex(IReadOnlyList<float[]> vectors)
    {
        _mean = new double[vectors.Count > 0 ? vectors[0].Length : 0];
        foreach (float[] vector in vectors)
            for (int i = 0; i < _mean.Length; i++) _mean[i] += vector[i] / (double)vectors.Count;
        _texts = [.. vectors.Select(Centred)];
    }

    /// <summary>For each text its cosine with a question, from -1 to 1; 0 for one that is the mean itself.</summary>
    public double[] Cosines(float[] question)
    {
        double[] centred = Centred(question);
        return [.. _texts.Select(text => Dot(text, centred))];
    }

    private double[] Centred(float[] vector)
    {
        var centred = new double[_mean.Length];
        for (int i = 0; i < centred.Length; i++) centred[i] = vector[i] - _mean[i];
        double length = Math.Sqrt(Dot(centred, centred));
        for (int i = 0; length > 0 && i < centred.Length; i++) centred[i] /= length;
        return centred;
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
