namespace MixtralVk.Gpu;

/// <summary>Neighbouring stages of a recording, to be submitted.</summary>
/// <param name="Recording">The recording.</param>
/// <param name="FirstStage">Index of the first stage.</param>
/// <param name="StageCount">How many.</param>
public readonly record struct StageRun(Recording Recording, int FirstStage, int StageCount);
