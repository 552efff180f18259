namespace MixtralVk.Experts;

/// <summary>Where the experts of a mixture lie that the GPU does not hold as a whole.</summary>
public enum ExpertPlacement
{
    /// <summary>
    /// Those that are used often come to the GPU, in the place of those used little. Faster; texts may differ from run to run.
    /// </summary>
    FollowsUse,
    /// <summary>Where loading put them, by their number: the same seed and history give the same text at the same budget.</summary>
    Fixed,
}
