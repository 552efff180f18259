namespace MixtralVk.Experts;

/// <summary>Where an expert of a layer is computed in a step.</summary>
internal enum ExpertPlace
{
    /// <summary>Nowhere: no token chose it.</summary>
    None,
    /// <summary>On the GPU, from its slot.</summary>
    Gpu,
    /// <summary>On the GPU, as soon as it is uploaded.</summary>
    Upload,
    /// <summary>On the processor, from main memory.</summary>
    Cpu,
}

/// <summary>What a layer's experts are expected to take on each side, in seconds; the sides work at the same time.</summary>
internal readonly record struct SplitSeconds(double Gpu, double Cpu)
{
    public double Longer => Math.Max(Gpu, Cpu);
}

/// <summary>
/// Divides a layer's experts between GPU and processor so that the later of the two ends early. An upload takes the same time however many tokens an
/// expert has, while the processor's time grows with them: so decode computes misses and a prompt uploads them, by nothing but measured seconds.
/// </summary>
internal static class LayerSplit
{
    /// <summary>Decides for one layer of one step. Allocates nothing.</summary>
    /// <param name="tokens">(experts): tokens of the step that chose each.</param>
    /// <param name="resident">(experts): whether its weights are in video memory.</param>
    /// <param name="slots">Most experts that may be uploaded now.</param>
    /// <param name="gpu">What an expert takes on the GPU.</param>
    /// <param name="cpu">What an expert takes on the processor.</param>
    /// <param name="uploadSeconds">What uploading one expert takes; NaN when it is not known.</param>
    /// <param name="places">(experts): receives where each is computed.</param>
    /// <returns>What is expected; NaN where nothing was measured, and then hits run on the GPU and misses on the processor, which measures both.</returns>
    public static SplitSeconds Decide(ReadOnlySpan<int> tokens, ReadOnlySpan<bool> resident, int slots, ExpertSeconds gpu, ExpertSeconds cpu, double uploadSeconds,
        Span<ExpertPlace> places)
    {
        double gpuEnd = 0, cpuEnd = 0, uploaded = 0;
        for (int expert = 0; expert < tokens.Length; expert++)
        {
            // A GPU that is no faster, like a software driver, would take from the processor what it computes with.
            bool slower = gpu.Of(tokens[expert]) >= cpu.Of(tokens[expert]);
            places[expert] = tokens[expert] == 0 ? ExpertPlace.None : resident[expert] && !slower ? ExpertPlace.Gpu : ExpertPlace.Cpu;
            if (places[expert] == ExpertPlace.Gpu) gpuEnd += gpu.Of(tokens[expert]);
            if (places[expert] == ExpertPlace.Cpu) cpuEnd += cpu.Of(tokens[expert]);
        }
        for (; slots > 0; slots--)
        {
            int next = MostTokens(tokens, resident, places);
            if (next < 0 || !(gpu.Of(tokens[next]) < cpu.Of(tokens[next]))) break;
            uploaded += uploadSeconds;
            var then = new SplitSeconds(Math.Max(gpuEnd, uploaded) + gpu.Of(tokens[next]), cpuEnd - cpu.Of(tokens[next]));
            if (!(then.Longer < Math.Max(gpuEnd, cpuEnd))) break;
            (gpuEnd, cpuEnd) = (then.Gpu, then.Cpu);
            places[next] = ExpertPlace.Upload;
        }
        return new SplitSeconds(gpuEnd, cpuEnd);
    }

    /// <summary>The miss left to the processor that has most tokens, of equal ones the first: what the processor gains most by giving away.</summary>
    private static int MostTokens(ReadOnlySpan<int> tokens, ReadOnlySpan<bool> resident, ReadOnlySpan<ExpertPlace> places)
    {
        int most = -1;
        for (int expert = 0; expert < tokens.Length; expert++)
            if (places[expert] == ExpertPlace.Cpu && !resident[expert] && (most < 0 || tokens[expert] > tokens[most])) most = expert;
        return most;
    }
}
