namespace MixtralVk;

/// <summary>Something the device did in one go, for frame graphs (<see cref="MixtralModel.ReadSlices"/>).</summary>
/// <param name="Frame">Number of the <see cref="MixtralModel.Tick"/> that granted it, from 1; 0 without ticks.</param>
/// <param name="Milliseconds">What it took: on a GPU by its own clock, where it has one.</param>
/// <param name="BudgetMilliseconds">What that tick granted; infinite without a limit.</param>
public readonly record struct Slice(long Frame, double Milliseconds, double BudgetMilliseconds);
