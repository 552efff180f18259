namespace MixtralVk.Kernels;

/// <summary>
/// The order in which a matrix product adds. The columns are cut into <paramref name="Runs"/> runs of whole units of the weight
/// format; a run has one float accumulator that takes one fused multiply-add per column; the runs are added in ascending order. Variants of
/// equal order give equal bits whatever the number of tokens and rows they handle at once.
/// </summary>
/// <param name="Runs">Runs of columns.</param>
/// <param name="Arithmetic">What is multiplied with.</param>
internal readonly record struct SummationOrder(uint Runs, Arithmetic Arithmetic = Arithmetic.Float);
