namespace MixtralVk.Experts;

/// <summary>What something takes, as the average of its measurements in which the newer count more; NaN before the first.</summary>
internal sealed class MeasuredTime
{
    /// <summary>Weight of the newest measurement.</summary>
    private const double Newest = 0.25;

    /// <summary>The average.</summary>
    public double Average { get; private set; } = double.NaN;

    /// <summary>It took so long.</summary>
    public void Learn(double took) => Average = double.IsNaN(Average) ? took : Average + Newest * (took - Average);

    /// <summary>So many took so long together; where there were none, or nobody looked at the clock, nothing is learned.</summary>
    public void Learn(double took, int count)
    {
        if (count > 0 && took > 0) Learn(took / count);
    }
}
