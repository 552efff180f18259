namespace MixtralVk.Gpu;

/// <summary>What a device must be made with so that the engine can use it: for hosts that make their own.</summary>
/// <param name="Features">Feature names of VkPhysicalDeviceVulkan12Features and VkPhysicalDeviceVulkan13Features to enable;
/// shaderIntegerDotProduct is an optional speed-up, the others are required.</param>
/// <param name="Extensions">Device extensions to enable (those listed are optional speed-ups; none is required).</param>
/// <param name="QueueFamily">Family of the queue to lend.</param>
public sealed record DeviceRequirements(IReadOnlyList<string> Features, IReadOnlyList<string> Extensions, int QueueFamily)
{
    /// <summary>Index in its family of the queue to lend; make it with the priority 0, so that the host's own queues go first.</summary>
    public int QueueIndex { get; init; }

    /// <summary>
    /// True where the device has no queue beside the one the host renders with: that one is lent with a
    /// <see cref="HostDevice.SubmitLock"/>.
    /// </summary>
    public bool QueueIsShared { get; init; }

    /// <summary>
    /// The one of <see cref="Extensions"/> with which the family's queues may be made with <c>VK_QUEUE_GLOBAL_PRIORITY_LOW</c>, behind the
    /// rendering of all programs; null where there is none or the host itself uses the family.
    /// </summary>
    public string? GlobalPriority { get; init; }

    /// <summary>
    /// A family that only copies: a queue of it may be lent, too (<see cref="HostDevice.TransferQueue"/>), and experts come to the device
    /// beside what is computed. Null where there is none.
    /// </summary>
    public int? TransferQueueFamily { get; init; }
}

/// <summary>A queue of a device.</summary>
/// <param name="Handle"><c>VkQueue</c>.</param>
/// <param name="Family">Its family.</param>
public readonly record struct DeviceQueue(nint Handle, int Family);

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
    /// A second queue lent to the engine, of <see cref="DeviceRequirements.TransferQueueFamily"/>, for copies to the device; null for none.
    /// </summary>
    public DeviceQueue? TransferQueue { get; init; }
    /// <summary>
    /// Runs the action it is given, a submission to a lent queue, while the host's own use of the queues is locked out, on whatever
    /// thread, before it returns; null when the queues are the engine's alone. Called on the engine's threads, never in a call of the
    /// host's frame loop.
    /// </summary>
    public Action<Action>? SubmitLock { get; init; }
}
