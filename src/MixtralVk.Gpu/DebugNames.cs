using MixtralVk.Gpu.Extensions;
using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>Names of objects and labels around commands, for captures and the validation layer; nothing without VK_EXT_debug_utils.</summary>
internal sealed unsafe class DebugNames(Device device, ExtDebugUtils? debugUtils)
{
    public void Set(ObjectType type, ulong handle, string name)
    {
        if (debugUtils is null) return;
        using var text = new Utf8(name);
        var info = new DebugUtilsObjectNameInfoEXT(objectType: type, objectHandle: handle, pObjectName: text);
        debugUtils.SetDebugUtilsObjectName(device, &info).ThrowOnError("vkSetDebugUtilsObjectNameEXT");
    }

    public void Begin(CommandBuffer commandBuffer, string label)
    {
        if (debugUtils is null) return;
        using var text = new Utf8(label);
        var info = new DebugUtilsLabelEXT(pLabelName: text);
        debugUtils.CmdBeginDebugUtilsLabel(commandBuffer, &info);
    }

    public void End(CommandBuffer commandBuffer) => debugUtils?.CmdEndDebugUtilsLabel(commandBuffer);
}
