namespace MixtralVk.Gpu;

/// <summary>Number of workgroups of a dispatch in each dimension.</summary>
public readonly record struct DispatchSize(uint X, uint Y = 1, uint Z = 1);
