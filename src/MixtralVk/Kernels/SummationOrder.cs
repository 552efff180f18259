namespace MixtralVk.Kernels;

/// <summary>
/// The order in which a matrix product adds. The columns are cut into <paramref name="Parts"/> parts of <paramref name="Runs"/> runs of
/// whole units of the weight format. Parts are added in ascending order, of a part its runs, of a run its units. Of a unit, each group of
/// columns with one scale and offset adds up, from zero and in the order of the format, quant times activation and the activations
/// themselves; scale and offset times these go onto the run's sum. Variants of equal order give equal bits whatever the number of tokens
/// and rows they handle at once and however they fetch. With packed dot products each block of 32 columns gives an exact integer sum, and
/// scale and offset, times those of the activations, its part of the run's sum.
/// </summary>
/// <param name="Runs">Runs of a part.</param>
/// <param name="Parts">Parts of the columns.</param>
/// <param name="Arithmetic">What is multiplied with.</param>
internal readonly record struct SummationOrder(uint Runs, uint Parts = 1, Arithmetic Arithmetic = Arithmetic.Float);
