namespace MixtralVk;

/// <summary>What a frame grants a model (<see cref="MixtralModel.Tick"/>); 0 is nothing, more than 16 seconds is no limit.</summary>
/// <param name="GpuMilliseconds">Time on the GPU. Of no meaning for a model on the CPU.</param>
/// <param name="CpuMilliseconds">
/// Time of the model's thread for choosing tokens, and on the CPU for all its work, during which it uses all of its threads
/// (<see cref="MixtralOptions.CpuThreads"/>).
/// </param>
public readonly record struct FrameBudget(double GpuMilliseconds, double CpuMilliseconds)
{
    /// <summary>No limit.</summary>
    public static FrameBudget Unlimited => new(double.PositiveInfinity, double.PositiveInfinity);
}
