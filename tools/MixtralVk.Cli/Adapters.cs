using MixtralVk.Gpu;

namespace MixtralVk.Cli;

/// <summary>Looks for Vulkan where it is fine not to find it.</summary>
internal static class Adapters
{
    /// <summary>The Vulkan instance, or null and the reason there is none.</summary>
    public static GpuInstance? TryFind(out string? reason)
    {
        try
        {
            reason = null;
            return GpuInstance.Create();
        }
        catch (NoVulkanException e)
        {
            reason = e.Message;
            return null;
        }
    }
}
