using MixtralVk.Gpu;

namespace MixtralVk;

/// <summary>What <see cref="MixtralModel.DeviceLost"/> tells.</summary>
/// <param name="problem">The call that noticed.</param>
/// <param name="needsAttach">The device was the host's: the model goes on when it gets another one
/// (<see cref="MixtralModel.AttachAsync"/>).</param>
public sealed class DeviceLostEventArgs(DeviceLostException problem, bool needsAttach) : EventArgs
{
    /// <summary>The call that noticed.</summary>
    public DeviceLostException Problem { get; } = problem;

    /// <summary>The device was the host's: the model goes on when it gets another one (<see cref="MixtralModel.AttachAsync"/>).</summary>
    public bool NeedsAttach { get; } = needsAttach;
}
