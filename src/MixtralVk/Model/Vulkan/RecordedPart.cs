using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>A recording of neighbouring stages of the model, each of them in none, one or more recorded stages.</summary>
/// <param name="Recording">The recording.</param>
/// <param name="Ends">For each stage, how many recorded stages there are up to its end.</param>
internal sealed record RecordedPart(Recording Recording, int[] Ends)
{
    /// <summary>The model's stages in it.</summary>
    public int StageCount => Ends.Length;

    /// <summary>The recorded stages of the n-th of them: first and end.</summary>
    public (int First, int End) Of(int stage) => (stage == 0 ? 0 : Ends[stage - 1], Ends[stage]);
}

/// <summary>What a step consists of.</summary>
/// <param name="First">What all rows go through.</param>
/// <param name="Second">What only wanted rows go through, after it; null where <paramref name="First"/> is a whole step whose rows are all
/// wanted.</param>
internal readonly record struct StepParts(RecordedPart First, RecordedPart? Second)
{
    public bool IsWhole => Second is null;
}
