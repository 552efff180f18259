namespace MixtralVk;

/// <summary>How far loading a model is.</summary>
/// <param name="DoneBytes">Bytes of weights in place.</param>
/// <param name="TotalBytes">Bytes of weights in all.</param>
/// <param name="What">What was just finished, for people: "layer 3", "output".</param>
public readonly record struct LoadProgress(long DoneBytes, long TotalBytes, string What);
