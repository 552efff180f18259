using System.Text.Json.Serialization;

namespace MixtralVk.Gpu;

/// <summary>The limits of a device that decide how work is cut. Sizes in bytes.</summary>
public sealed record DeviceLimits
{
    /// <summary>Largest range of a storage-buffer binding.</summary>
    public required uint MaxStorageBufferRange { get; init; }
    /// <summary>Largest range of a uniform-buffer binding.</summary>
    public required uint MaxUniformBufferRange { get; init; }
    /// <summary>Most texels of a texel-buffer view.</summary>
    public required uint MaxTexelBufferElements { get; init; }
    /// <summary>True where a view of texels reaches all that a storage-buffer binding may hold.</summary>
    [JsonIgnore]
    public bool TexelsReachAll => MaxStorageBufferRange / TexelViews.TexelBytes <= MaxTexelBufferElements;
    /// <summary>Bytes of push constants.</summary>
    public required uint MaxPushConstantsSize { get; init; }
    /// <summary>Storage buffers one shader stage may bind.</summary>
    public required uint MaxStorageBuffersPerStage { get; init; }
    /// <summary>Invocations of a workgroup.</summary>
    public required uint MaxWorkgroupInvocations { get; init; }
    /// <summary>Workgroups of a dispatch in each dimension (the smallest of the three).</summary>
    public required uint MaxWorkgroupCount { get; init; }
    /// <summary>Shared memory of a workgroup.</summary>
    public required uint MaxSharedMemory { get; init; }
    /// <summary>Alignment of a storage-buffer binding's offset.</summary>
    public required ulong MinStorageBufferOffsetAlignment { get; init; }
    /// <summary>Granularity of flushes of non-coherent memory.</summary>
    public required ulong NonCoherentAtomSize { get; init; }
    /// <summary>Number of memory allocations.</summary>
    public required uint MaxAllocationCount { get; init; }
    /// <summary>Largest memory allocation.</summary>
    public required ulong MaxAllocationSize { get; init; }
    /// <summary>Largest buffer.</summary>
    public required ulong MaxBufferSize { get; init; }
    /// <summary>Default subgroup size.</summary>
    public required uint SubgroupSize { get; init; }
    /// <summary>Smallest subgroup size that can be asked for.</summary>
    public required uint MinSubgroupSize { get; init; }
    /// <summary>Largest subgroup size that can be asked for.</summary>
    public required uint MaxSubgroupSize { get; init; }
    /// <summary>Nanoseconds of one timestamp tick.</summary>
    public required float TimestampPeriod { get; init; }

    /// <summary>
    /// The least a Vulkan 1.3 device must offer (specification, "Required Limits"), but for the storage buffers per stage, of which the
    /// engine asks for more (<see cref="DeviceChoices.NeededStorageBuffers"/>). <see cref="GpuOptions.LimitTo"/> with this value tests that
    /// nothing relies on more.
    /// </summary>
    public static DeviceLimits SpecificationMinimum { get; } = new()
    {
        MaxStorageBufferRange = 1 << 27,
        MaxUniformBufferRange = 16384,
        MaxTexelBufferElements = 65536,
        MaxPushConstantsSize = 128,
        MaxStorageBuffersPerStage = DeviceChoices.NeededStorageBuffers,
        MaxWorkgroupInvocations = 128,
        MaxWorkgroupCount = 65535,
        MaxSharedMemory = 16384,
        MinStorageBufferOffsetAlignment = 256,
        NonCoherentAtomSize = 256,
        MaxAllocationCount = 4096,
        MaxAllocationSize = 1 << 30,
        MaxBufferSize = 1 << 30,
        SubgroupSize = 1,
        MinSubgroupSize = 1,
        MaxSubgroupSize = 1,
        TimestampPeriod = 1,
    };

    /// <summary>
    /// These limits where they are tighter than <paramref name="other"/>'s, else the other's. Subgroup sizes and the timestamp period are
    /// facts and stay.
    /// </summary>
    public DeviceLimits ClampTo(DeviceLimits other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return this with
        {
            MaxStorageBufferRange = Math.Min(MaxStorageBufferRange, other.MaxStorageBufferRange),
            MaxUniformBufferRange = Math.Min(MaxUniformBufferRange, other.MaxUniformBufferRange),
            MaxTexelBufferElements = Math.Min(MaxTexelBufferElements, other.MaxTexelBufferElements),
            MaxPushConstantsSize = Math.Min(MaxPushConstantsSize, other.MaxPushConstantsSize),
            MaxStorageBuffersPerStage = Math.Min(MaxStorageBuffersPerStage, other.MaxStorageBuffersPerStage),
            MaxWorkgroupInvocations = Math.Min(MaxWorkgroupInvocations, other.MaxWorkgroupInvocations),
            MaxWorkgroupCount = Math.Min(MaxWorkgroupCount, other.MaxWorkgroupCount),
            MaxSharedMemory = Math.Min(MaxSharedMemory, other.MaxSharedMemory),
            MinStorageBufferOffsetAlignment = Math.Max(MinStorageBufferOffsetAlignment, other.MinStorageBufferOffsetAlignment),
            NonCoherentAtomSize = Math.Max(NonCoherentAtomSize, other.NonCoherentAtomSize),
            MaxAllocationCount = Math.Min(MaxAllocationCount, other.MaxAllocationCount),
            MaxAllocationSize = Math.Min(MaxAllocationSize, other.MaxAllocationSize),
            MaxBufferSize = Math.Min(MaxBufferSize, other.MaxBufferSize),
        };
    }
}
