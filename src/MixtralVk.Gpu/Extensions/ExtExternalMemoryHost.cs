using Silk.NET.Vulkan;

namespace MixtralVk.Gpu.Extensions;

/// <summary>VK_EXT_external_memory_host: memory of the host used by the device in place.</summary>
internal sealed unsafe class ExtExternalMemoryHost
{
    public const string ExtensionName = "VK_EXT_external_memory_host";

    private readonly delegate* unmanaged<Device, ExternalMemoryHandleTypeFlags, void*, MemoryHostPointerPropertiesEXT*, Result> _getProperties;

    private ExtExternalMemoryHost(Vk vk, Device device) =>
        _getProperties = (delegate* unmanaged<Device, ExternalMemoryHandleTypeFlags, void*, MemoryHostPointerPropertiesEXT*, Result>)
            vk.GetDeviceProcAddr(device, "vkGetMemoryHostPointerPropertiesEXT").Handle;

    /// <summary>The extension's command; null where the device was not created with it.</summary>
    public static ExtExternalMemoryHost? TryLoad(Vk vk, Device device)
    {
        var extension = new ExtExternalMemoryHost(vk, device);
        return extension._getProperties != null ? extension : null;
    }

    public Result GetMemoryHostPointerProperties(Device device, ExternalMemoryHandleTypeFlags handleType, void* pointer,
        MemoryHostPointerPropertiesEXT* properties) =>
        _getProperties(device, handleType, pointer, properties);
}
