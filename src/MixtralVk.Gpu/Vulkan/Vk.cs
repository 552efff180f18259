using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using Silk.NET.Core;

namespace Silk.NET.Vulkan;

/// <summary>
/// The Vulkan commands, in the shape of Silk.NET.Vulkan's Vk (pointer overloads only). One object serves one instance and, once
/// <see cref="CurrentDevice"/> is set, one device. Each command is looked up at its first call and called through its pointer from
/// then on; calls may come from any thread, setting the current instance or device may not race with them.
/// </summary>
internal sealed unsafe partial class Vk : IDisposable
{
    private readonly nint library;
    private readonly delegate* unmanaged<nint, byte*, nint> getInstanceProcAddr;
    private Instance? currentInstance;
    private Device? currentDevice;

    private Vk(nint library)
    {
        this.library = library;
        getInstanceProcAddr = (delegate* unmanaged<nint, byte*, nint>)NativeLibrary.GetExport(library, "vkGetInstanceProcAddr");
    }

    public static Version32 Version10 => new(1, 0, 0);

    public static Version32 Version11 => new(1, 1, 0);

    public static Version32 Version12 => new(1, 2, 0);

    public static Version32 Version13 => new(1, 3, 0);

    /// <summary>The instance whose commands are called; with none set, the loader's own exports are.</summary>
    public Instance? CurrentInstance
    {
        get => currentInstance;
        set
        {
            currentInstance = value;
            ForgetInstanceCommands();
            ForgetDeviceCommands();
        }
    }

    /// <summary>The device whose commands are called directly; with none set, calls go through the loader's dispatch.</summary>
    public Device? CurrentDevice
    {
        get => currentDevice;
        set
        {
            currentDevice = value;
            ForgetDeviceCommands();
        }
    }

    /// <exception cref="FileNotFoundException">The machine has no Vulkan loader.</exception>
    public static Vk GetApi() => new(VulkanLibrary.Open());

    public static Version32 MakeVersion(uint major, uint minor, uint patch = 0) => new(major, minor, patch);

    /// <summary>The commands of an instance extension; false where the instance was not created with it.</summary>
    public bool TryGetInstanceExtension<T>(Instance instance, [NotNullWhen(true)] out T? ext)
        where T : class, IVkExtension<T>
    {
        ext = T.TryCreate(new(getInstanceProcAddr, instance.Handle));
        return ext != null;
    }

    /// <summary>The commands of a device extension; false where the device was not created with it.</summary>
    public bool TryGetDeviceExtension<T>(Instance instance, Device device, [NotNullWhen(true)] out T? ext)
        where T : class, IVkExtension<T>
    {
        ext = T.TryCreate(new(GetDeviceProcAddr(instance.Handle), device.Handle));
        return ext != null;
    }

    /// <summary>Unloads the loader library. Destroy instance and device before.</summary>
    public void Dispose() => NativeLibrary.Free(library);

    private nint LoadGlobalCommand(ReadOnlySpan<byte> name) => Require(new CommandSource(getInstanceProcAddr, 0).Find(name), name);

    private nint LoadInstanceCommand(ReadOnlySpan<byte> name)
    {
        if (currentInstance is Instance instance)
        {
            return Require(new CommandSource(getInstanceProcAddr, instance.Handle).Find(name), name);
        }

        _ = NativeLibrary.TryGetExport(library, Encoding.UTF8.GetString(name), out nint address);
        return Require(address, name);
    }

    private nint LoadDeviceCommand(ReadOnlySpan<byte> name)
    {
        if (currentInstance is Instance instance && currentDevice is Device device)
        {
            return Require(new CommandSource(GetDeviceProcAddr(instance.Handle), device.Handle).Find(name), name);
        }

        return LoadInstanceCommand(name);
    }

    private delegate* unmanaged<nint, byte*, nint> GetDeviceProcAddr(nint instance)
    {
        ReadOnlySpan<byte> name = "vkGetDeviceProcAddr"u8;
        return (delegate* unmanaged<nint, byte*, nint>)Require(new CommandSource(getInstanceProcAddr, instance).Find(name), name);
    }

    private static nint Require(nint address, ReadOnlySpan<byte> name) => address != 0 ? address
        : throw new EntryPointNotFoundException($"The Vulkan driver has no {Encoding.UTF8.GetString(name)}.");
}
