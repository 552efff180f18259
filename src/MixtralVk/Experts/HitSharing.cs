namespace MixtralVk.Experts;

/// <summary>
/// Who computes experts that the device has, in steps of few rows, where an expert costs about the same whatever its rows: as long as the
/// device is quick, the device. Where the processor is not much slower, or a game keeps the device busy, or its driver has moved weights
/// out of video memory, the processor takes some of them, or all: as measured while steps run.
/// </summary>
internal sealed class HitSharing
{
    /// <summary>What a layer must take of what it would take on the device: less is left to chance.</summary>
    private const double Worth = 0.8;

    /// <summary>
    /// So many layers after the device had nothing to do it is tried again: what made it slow may be over. A prime, so that it is another
    /// layer each time.
    /// </summary>
    private const int Retry = 61;

    private readonly MeasuredTime _gpu = new(), _cpu = new(); // milliseconds of an expert
    private int _idle;

    /// <summary>A layer's experts took so many milliseconds on either side.</summary>
    public void Learn(double gpuMilliseconds, int gpuExperts, double cpuMilliseconds, int cpuExperts)
    {
        _gpu.Learn(gpuMilliseconds, gpuExperts);
        _cpu.Learn(cpuMilliseconds, cpuExperts);
    }

    /// <summary>How many of the experts the device has are the processor's in a layer.</summary>
    /// <param name="hits">Experts chosen that the device has.</param>
    /// <param name="misses">Experts chosen that it does not have.</param>
    public int ForProcessor(int hits, int misses)
    {
        int best = 0; // none while a side is not known: no time is less than NaN
        for (int count = 1; count <= hits; count++)
            if (TimeOf(count) < TimeOf(best)) best = count;
        if (!(TimeOf(best) <= Worth * TimeOf(0))) return 0;
        return best == hits && ++_idle % Retry == 0 ? 0 : best;

        double TimeOf(int count) => Math.Max((hits - count) * _gpu.Average, (misses + count) * _cpu.Average);
    }
}
