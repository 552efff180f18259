using System.Runtime.InteropServices;

namespace Silk.NET.Vulkan;

/// <summary>The Vulkan loader library of this machine.</summary>
internal static class VulkanLibrary
{
    private static string[] FileNames =>
        OperatingSystem.IsWindows() ? ["vulkan-1.dll"]
        : OperatingSystem.IsMacOS() ? ["libvulkan.1.dylib", "libMoltenVK.dylib"]
        : ["libvulkan.so.1", "libvulkan.so"];

    /// <exception cref="FileNotFoundException">The machine has no Vulkan loader.</exception>
    public static nint Open() => Open(FileNames);

    public static nint Open(string[] fileNames)
    {
        foreach (string name in fileNames)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
            {
                return library;
            }
        }

        throw new FileNotFoundException($"Could not load the Vulkan loader: none of {string.Join(", ", fileNames)} was found.");
    }
}
