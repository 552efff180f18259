namespace MixtralVk.Gpu;

/// <summary>What a device must be made with so that the engine can use it: for hosts that make their own.</summary>
/// <param name="Features">Feature names of VkPhysicalDeviceVulkan12Features and VkPhysicalDeviceVulkan13Features to enable.</param>
/// <param name="Extensions">Device extensions to enable (those listed are optional speed-ups; none is required).</param>
/// <param name="QueueFamily">Family of the queue to lend.</param>
public sealed record DeviceRequirements(IReadOnlyList<string> Features, IReadOnlyList<string> Extensions, int QueueFamily);

/// <summary>
/// A Vulkan device that belongs to the host program. It must outlive every object made from it and is never destroyed by the engine.
/// Handles are passed as integers so that any binding can be used.
/// </summary>
public sealed record HostDevice
{
    /// <summary><c>VkInstance</c>.</summary>
    public required nint Instance { get; init; }
    /// <summary><c>VkPhysicalDevice</c>.</summary>
    public required nint PhysicalDevice { get; init; }
    /// <summary><c>VkDevice</c>.</summary>
    public required nint Device { get; init; }
    /// <summary><c>VkQueue</c> lent to the engine; it must support compute.</summary>
    public required nint Queue { get; init; }
    /// <summary>Family of the queue.</summary>
    public required int QueueFamily { get; init; }
    /// <summary>Features the host enabled, by the names of <see cref="DeviceRequirements.Features"/> (a device cannot be asked).</summary>
    public required IReadOnlyCollection<string> EnabledFeatures { get; init; }
    /// <summary>Device extensions the host enabled, of those in <see cref="DeviceRequirements.Extensions"/>.</summary>
    public IReadOnlyCollection<string> EnabledExtensions { get; init; } = [];
    /// <summary>
    /// Runs an action while the host's own use of the queue is locked out; null when the queue is the engine's alone.
    /// </summary>
    public Action<Action>? SubmitLock { get; init; }
}
