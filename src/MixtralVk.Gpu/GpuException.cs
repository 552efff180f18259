namespace MixtralVk.Gpu;

/// <summary>Base of every error of the GPU layer. The message is one sentence that names the cause and what to do.</summary>
public class GpuException : Exception
{
    /// <summary>Makes the exception with its message and, where there is one, its cause.</summary>
    public GpuException(string message, Exception? inner = null) : base(message, inner) { }
}

/// <summary>There is no Vulkan loader on this machine, or no driver behind it, or none new enough.</summary>
public sealed class NoVulkanException : GpuException
{
    /// <summary>Makes the exception.</summary>
    public NoVulkanException(string message, Exception? inner = null) : base(message, inner) { }
}

/// <summary>A device, or what a host enabled on it, lacks something the engine needs.</summary>
public sealed class GpuUnsupportedException : GpuException
{
    /// <summary>Makes the exception; <paramref name="missing"/> lists what is missing.</summary>
    public GpuUnsupportedException(string device, IReadOnlyList<string> missing)
        : base($"{device} cannot be used: it lacks {string.Join(", ", missing)}.") => Missing = missing;

    /// <summary>What is missing: feature, extension and limit names of the Vulkan specification.</summary>
    public IReadOnlyList<string> Missing { get; }
}

/// <summary>Device or host memory visible to the device ran out, or the byte budget did.</summary>
public sealed class OutOfGpuMemoryException : GpuException
{
    /// <summary>Makes the exception for a request of <paramref name="bytes"/> bytes.</summary>
    public OutOfGpuMemoryException(string message, long bytes) : base(message) => Bytes = bytes;

    /// <summary>Size of the request that failed, in bytes.</summary>
    public long Bytes { get; }
}

/// <summary>The device was lost (driver reset, GPU removed, watchdog). Everything on it is gone; the process goes on.</summary>
public sealed class DeviceLostException : GpuException
{
    /// <summary>Makes the exception; <paramref name="during"/> names the call that noticed.</summary>
    public DeviceLostException(string during)
        : base($"The Vulkan device was lost ({during}); what was on it has to be made again on a new one.") { }
}
