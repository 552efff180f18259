using Silk.NET.Vulkan;

namespace MixtralVk.Gpu.Extensions;

/// <summary>VK_EXT_debug_utils: names, labels and the messages of the validation layer.</summary>
internal sealed unsafe class ExtDebugUtils
{
    public const string ExtensionName = "VK_EXT_debug_utils";

    private readonly delegate* unmanaged<Device, DebugUtilsObjectNameInfoEXT*, Result> _setObjectName;
    private readonly delegate* unmanaged<CommandBuffer, DebugUtilsLabelEXT*, void> _beginLabel;
    private readonly delegate* unmanaged<CommandBuffer, void> _endLabel;
    private readonly delegate* unmanaged<Instance, DebugUtilsMessengerCreateInfoEXT*, AllocationCallbacks*, DebugUtilsMessengerEXT*, Result> _createMessenger;
    private readonly delegate* unmanaged<Instance, DebugUtilsMessengerEXT, AllocationCallbacks*, void> _destroyMessenger;

    private ExtDebugUtils(Vk vk, Instance instance)
    {
        _setObjectName = (delegate* unmanaged<Device, DebugUtilsObjectNameInfoEXT*, Result>)vk.GetInstanceProcAddr(instance,
            "vkSetDebugUtilsObjectNameEXT").Handle;
        _beginLabel = (delegate* unmanaged<CommandBuffer, DebugUtilsLabelEXT*, void>)vk.GetInstanceProcAddr(instance,
            "vkCmdBeginDebugUtilsLabelEXT").Handle;
        _endLabel = (delegate* unmanaged<CommandBuffer, void>)vk.GetInstanceProcAddr(instance, "vkCmdEndDebugUtilsLabelEXT").Handle;
        _createMessenger =
            (delegate* unmanaged<Instance, DebugUtilsMessengerCreateInfoEXT*, AllocationCallbacks*, DebugUtilsMessengerEXT*, Result>)
            vk.GetInstanceProcAddr(instance, "vkCreateDebugUtilsMessengerEXT").Handle;
        _destroyMessenger = (delegate* unmanaged<Instance, DebugUtilsMessengerEXT, AllocationCallbacks*, void>)
            vk.GetInstanceProcAddr(instance, "vkDestroyDebugUtilsMessengerEXT").Handle;
    }

    /// <summary>The extension's commands; null where the instance was not created with it.</summary>
    public static ExtDebugUtils? TryLoad(Vk vk, Instance instance)
    {
        var extension = new ExtDebugUtils(vk, instance);
        return extension._setObjectName != null ? extension : null;
    }

    public Result SetDebugUtilsObjectName(Device device, DebugUtilsObjectNameInfoEXT* info) => _setObjectName(device, info);

    public void CmdBeginDebugUtilsLabel(CommandBuffer commandBuffer, DebugUtilsLabelEXT* label) => _beginLabel(commandBuffer, label);

    public void CmdEndDebugUtilsLabel(CommandBuffer commandBuffer) => _endLabel(commandBuffer);

    public Result CreateDebugUtilsMessenger(Instance instance, DebugUtilsMessengerCreateInfoEXT* info, AllocationCallbacks* allocator,
        DebugUtilsMessengerEXT* messenger) =>
        _createMessenger(instance, info, allocator, messenger);

    public void DestroyDebugUtilsMessenger(Instance instance, DebugUtilsMessengerEXT messenger, AllocationCallbacks* allocator) =>
        _destroyMessenger(instance, messenger, allocator);
}
