using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>A model, or a size it was opened with, that this device cannot serve although the file is fine; the CPU can.</summary>
public sealed class GpuModelException : GpuException
{
    /// <summary>Makes the exception; the message names the limit.</summary>
    public GpuModelException(string message) : base(message) { }
}
