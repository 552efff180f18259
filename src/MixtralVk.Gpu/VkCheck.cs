using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>Turns a <see cref="Result"/> into the typed exception it stands for.</summary>
internal static class VkCheck
{
    public static void ThrowOnError(this Result result, string call)
    {
        if (result >= Result.Success) return;
        throw result switch
        {
            Result.ErrorDeviceLost => new DeviceLostException(call),
            Result.ErrorOutOfDeviceMemory => new OutOfGpuMemoryException(
                $"The GPU is out of memory ({call}); close other programs, lower the context or use a smaller model.", 0),
            Result.ErrorOutOfHostMemory => new OutOfGpuMemoryException($"The Vulkan driver is out of host memory ({call}).", 0),
            Result.ErrorIncompatibleDriver =>
                new NoVulkanException("No Vulkan driver accepts Vulkan 1.3; install or update the GPU's driver."),
            _ => new GpuException($"{call} failed with {result}."),
        };
    }
}
