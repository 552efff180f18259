namespace MixtralVk;

/// <summary>Where a model is computed.</summary>
public enum DeviceKind
{
    /// <summary>
    /// A real GPU where there is one and the model fits it, else the CPU. Never a software Vulkan driver, unless the options name it.
    /// </summary>
    Auto,
    /// <summary>Vulkan, software drivers included when no GPU is there.</summary>
    Vulkan,
    /// <summary>The processor; needs no Vulkan driver.</summary>
    Cpu,
}

/// <summary>The device a model was loaded on.</summary>
/// <param name="Kind"><see cref="DeviceKind.Vulkan"/> or <see cref="DeviceKind.Cpu"/>.</param>
/// <param name="Description">Its name and driver, for people.</param>
public sealed record DeviceInfo(DeviceKind Kind, string Description);
