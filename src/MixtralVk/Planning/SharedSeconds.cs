namespace MixtralVk.Planning;

/// <summary>
/// Expected seconds of experts that GPU and processor share, each side alone, and both at the same time: the longer one, layer by layer.
/// </summary>
internal readonly record struct SharedSeconds(double Gpu, double Processor, double Both)
{
    public static SharedSeconds operator +(SharedSeconds a, SharedSeconds b) =>
        new(a.Gpu + b.Gpu, a.Processor + b.Processor, a.Both + b.Both);

    /// <summary>A layer of one token, over all numbers of hits that its choices may have.</summary>
    /// <param name="choices">Experts chosen.</param>
    /// <param name="hit">Chance that one is on the GPU.</param>
    /// <param name="gpu">Seconds of an expert there.</param>
    /// <param name="processor">Seconds of an expert on the processor.</param>
    public static SharedSeconds OfLayer(int choices, double hit, double gpu, double processor)
    {
        SharedSeconds sum = default;
        for (int hits = 0; hits <= choices; hits++)
        {
            double chance = Math.Pow(hit, hits) * Math.Pow(1 - hit, choices - hits), onGpu = hits * gpu,
                onProcessor = (choices - hits) * processor;
            for (int i = 1; i <= hits; i++) chance *= (choices - hits + i) / (double)i;
            sum += new SharedSeconds(chance * onGpu, chance * onProcessor, chance * Math.Max(onGpu, onProcessor));
        }
        return sum;
    }
}
