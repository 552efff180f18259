using System.Runtime.InteropServices;
using Silk.NET.Core.Contexts;
using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>
/// Where a <see cref="Vk"/> finds its commands: in the loader library of this machine, asked for a device and then for its instance, so
/// that calls go to the driver with nothing in between. Silk.NET's own search for the library wants the files of a .NET installation, which
/// a program compiled ahead of time has not, and its notion of the current device changes with each device that is made.
/// </summary>
internal sealed unsafe class VulkanLoader : INativeContext
{
    private readonly nint _library;
    private readonly delegate* unmanaged<nint, byte*, nint> _instanceCommand, _deviceCommand;
    private readonly nint _instance, _device;
    private readonly Func<string, nint, nint>? _replace;

    private VulkanLoader(nint library, Instance instance, Device device, Func<string, nint, nint>? replace)
    {
        _library = library;
        _instanceCommand = (delegate* unmanaged<nint, byte*, nint>)NativeLibrary.GetExport(library, "vkGetInstanceProcAddr");
        _deviceCommand = (delegate* unmanaged<nint, byte*, nint>)NativeLibrary.GetExport(library, "vkGetDeviceProcAddr");
        (_instance, _device) = (instance.Handle, device.Handle);
        _replace = replace;
    }

    private static string[] FileNames =>
        OperatingSystem.IsWindows() ? ["vulkan-1.dll"]
        : OperatingSystem.IsMacOS() ? ["libvulkan.1.dylib", "libMoltenVK.dylib"]
        : ["libvulkan.so.1", "libvulkan.so"];

    /// <summary>
    /// The commands of the loader alone, of an instance, or of a device. Throws <see cref="NoVulkanException"/> where there is no loader.
    /// <paramref name="replace"/> (a test hook) gets each command's name and address and gives the address to call.
    /// </summary>
    public static Vk Load(Instance instance = default, Device device = default, Func<string, nint, nint>? replace = null) =>
        new(new VulkanLoader(Open(FileNames), instance, device, replace));

    internal static nint Open(string[] fileNames)
    {
        foreach (string name in fileNames)
            if (NativeLibrary.TryLoad(name, out nint library)) return library;
        throw new NoVulkanException(
            $"There is no Vulkan loader on this machine ({string.Join(", ", fileNames)}); install the GPU's driver, or run on the CPU.");
    }

    public bool TryGetProcAddress(string proc, out nint addr, int? slot = null)
    {
        using var name = new Utf8(proc);
        addr = _device != 0 ? _deviceCommand(_device, name) : 0;
        if (addr == 0) addr = _instanceCommand(_instance, name);
        if (addr != 0 && _replace is not null) addr = _replace(proc, addr);
        return addr != 0;
    }

    public nint GetProcAddress(string proc, int? slot = null) =>
        TryGetProcAddress(proc, out nint address, slot)
            ? address : throw new EntryPointNotFoundException($"The Vulkan driver has no {proc}.");

    public void Dispose() => NativeLibrary.Free(_library);
}
