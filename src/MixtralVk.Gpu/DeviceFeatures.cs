namespace MixtralVk.Gpu;

/// <summary>The Vulkan features the engine knows. The first five are required; the rest are used where present.</summary>
public sealed record DeviceFeatures
{
    /// <summary>Timeline semaphores (required).</summary>
    public required bool TimelineSemaphore { get; init; }
    /// <summary>Synchronization2 (required).</summary>
    public required bool Synchronization2 { get; init; }
    /// <summary>Local sizes by specialisation constant (required).</summary>
    public required bool Maintenance4 { get; init; }
    /// <summary>A subgroup size can be asked for (required).</summary>
    public required bool SubgroupSizeControl { get; init; }
    /// <summary>Shuffles between the lanes of a subgroup, in compute shaders (required).</summary>
    public required bool SubgroupShuffle { get; init; }
    /// <summary>Subgroup ballots and broadcasts in compute shaders.</summary>
    public required bool SubgroupBallot { get; init; }
    /// <summary>16-bit values in storage buffers.</summary>
    public required bool Storage16Bit { get; init; }
    /// <summary>8-bit values in storage buffers.</summary>
    public required bool Storage8Bit { get; init; }
    /// <summary>16-bit float arithmetic.</summary>
    public required bool Float16 { get; init; }
    /// <summary>8-bit integer arithmetic.</summary>
    public required bool Int8 { get; init; }
    /// <summary>Integer dot products in shaders.</summary>
    public required bool IntegerDotProduct { get; init; }
    /// <summary>The packed 4x8-bit signed dot product is faster than its emulation.</summary>
    public required bool IntegerDotProductAccelerated { get; init; }
    /// <summary>Stores and atomics in fragment shaders: only GPU-assisted validation asks for it.</summary>
    public required bool FragmentStoresAndAtomics { get; init; }
    /// <summary>Stores and atomics in vertex shaders: only GPU-assisted validation asks for it.</summary>
    public required bool VertexPipelineStoresAndAtomics { get; init; }
}
