using System.Text.Json;
using System.Text.Json.Serialization;

namespace MixtralVk.Gpu;

/// <summary>Kind of a Vulkan device.</summary>
public enum AdapterType
{
    /// <summary>Anything else.</summary>
    Other,
    /// <summary>Shares memory with the CPU.</summary>
    Integrated,
    /// <summary>A card with memory of its own.</summary>
    Discrete,
    /// <summary>A virtual GPU.</summary>
    Virtual,
    /// <summary>A software driver that runs shaders on the CPU (lavapipe, SwiftShader).</summary>
    Software,
}

/// <summary>Properties of a memory type; all but the last with the values of <c>VkMemoryPropertyFlagBits</c>.</summary>
[Flags]
public enum MemoryTraits
{
    /// <summary>No property.</summary>
    None = 0,
    /// <summary>Fastest for the device.</summary>
    DeviceLocal = 1,
    /// <summary>Can be mapped by the host.</summary>
    HostVisible = 2,
    /// <summary>Host writes and device writes are seen without flush or invalidate.</summary>
    HostCoherent = 4,
    /// <summary>Host reads go through the CPU cache.</summary>
    HostCached = 8,
    /// <summary>Needs a feature the engine leaves off (protected, lazily allocated or AMD device-coherent memory): never chosen.</summary>
    Restricted = 16,
}

/// <summary>What a queue family can do, with the values of <c>VkQueueFlagBits</c>.</summary>
[Flags]
public enum QueueTraits
{
    /// <summary>Nothing we use.</summary>
    None = 0,
    /// <summary>Graphics.</summary>
    Graphics = 1,
    /// <summary>Compute.</summary>
    Compute = 2,
    /// <summary>Copies.</summary>
    Transfer = 4,
    /// <summary>Decodes videos.</summary>
    VideoDecode = 32,
    /// <summary>Encodes videos.</summary>
    VideoEncode = 64,
    /// <summary>Finds motion between pictures.</summary>
    OpticalFlow = 256,
}

/// <summary>A memory type: its properties and the heap it takes from.</summary>
public readonly record struct DeviceMemoryType(MemoryTraits Traits, int Heap);

/// <summary>A memory heap: its size in bytes and whether it is the device's own.</summary>
public readonly record struct DeviceMemoryHeap(ulong Size, bool IsDeviceLocal);

/// <summary>A queue family.</summary>
public readonly record struct QueueFamily(QueueTraits Traits, int Count, int TimestampBits);

/// <summary>
/// All the engine ever looks at when it decides how to use a device. A plain value that can be written to JSON and read back, so that
/// every decision is a function of it and is tested on descriptions recorded from many devices.
/// </summary>
public sealed record DeviceDescription
{
    /// <summary>Device name.</summary>
    public required string Name { get; init; }
    /// <summary>PCI or Khronos vendor id.</summary>
    public required uint VendorId { get; init; }
    /// <summary>Device id of the vendor.</summary>
    public required uint DeviceId { get; init; }
    /// <summary>Kind of device.</summary>
    public required AdapterType Type { get; init; }
    /// <summary>Driver name and version as the driver tells them.</summary>
    public required string Driver { get; init; }
    /// <summary>Vulkan version the device supports, major.minor.patch.</summary>
    public required Version ApiVersion { get; init; }
    /// <summary>Device UUID as 32 hexadecimal digits.</summary>
    public required string DeviceUuid { get; init; }
    /// <summary>Driver UUID as 32 hexadecimal digits.</summary>
    public required string DriverUuid { get; init; }
    /// <summary>Limits.</summary>
    public required DeviceLimits Limits { get; init; }
    /// <summary>Features.</summary>
    public required DeviceFeatures Features { get; init; }
    /// <summary>Memory types, in the driver's order.</summary>
    public required IReadOnlyList<DeviceMemoryType> MemoryTypes { get; init; }
    /// <summary>Memory heaps.</summary>
    public required IReadOnlyList<DeviceMemoryHeap> MemoryHeaps { get; init; }
    /// <summary>Queue families.</summary>
    public required IReadOnlyList<QueueFamily> QueueFamilies { get; init; }
    /// <summary>Device extensions.</summary>
    public required IReadOnlyList<string> Extensions { get; init; }

    /// <summary>The description as indented JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, DeviceDescriptionJson.Default.DeviceDescription);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    public static DeviceDescription FromJson(string json) =>
        JsonSerializer.Deserialize(json, DeviceDescriptionJson.Default.DeviceDescription)
            ?? throw new JsonException("The device description is null.");
}

[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(DeviceDescription))]
internal sealed partial class DeviceDescriptionJson : JsonSerializerContext;
