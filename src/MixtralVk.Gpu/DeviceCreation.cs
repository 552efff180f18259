using MixtralVk.Gpu.Extensions;
using Silk.NET.Core.Native;
using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>Makes the engine's own devices, and knows what the engine uses of any.</summary>
internal static unsafe class DeviceCreation
{
    /// <summary>Used where enabled: kernels with packed dot products.</summary>
    public const string DotProductFeature = "shaderIntegerDotProduct";

    /// <summary>What no device can do without.</summary>
    public static readonly string[] RequiredFeatures = ["timelineSemaphore", "synchronization2", "maintenance4", "subgroupSizeControl"];

    /// <summary>True where the host's memory can be used in place.</summary>
    public static bool CanImport(DeviceDescription device) => device.Extensions.Contains(ExtExternalMemoryHost.ExtensionName);

    /// <summary>True where the driver can be told which memory to move out first.</summary>
    public static bool KnowsMemoryPriority(DeviceDescription device) => device.Extensions.Contains(DeviceChoices.MemoryPriorityExtension);

    /// <summary>
    /// A device with a queue of each family, which stand behind those of games and, where the driver allows it, of all programs.
    /// </summary>
    public static Device Create(GpuAdapter adapter, params ReadOnlySpan<int> families)
    {
        Device device;
        Result result;
        string? globalPriority = DeviceChoices.GlobalPriorityExtension(adapter.Description);
        if (adapter.Instance.Options.CompileOnly) result = TryCreateForCompiling(adapter, families, out device);
        else
        {
            result = TryCreate(adapter, families, globalPriority, out device);
            // A driver may know the extension and refuse the priority.
            if (result < 0 && globalPriority is not null) result = TryCreate(adapter, families, null, out device);
        }
        result.ThrowOnError("vkCreateDevice");
        return device;
    }

    private static Result TryCreate(GpuAdapter adapter, ReadOnlySpan<int> families, string? globalPriority, out Device device)
    {
        DeviceDescription description = adapter.Description;
        List<string> extensions = [];
        if (CanImport(description)) extensions.Add(ExtExternalMemoryHost.ExtensionName);
        if (globalPriority is not null) extensions.Add(globalPriority);
        var memoryPriorities =
            new PhysicalDeviceMemoryPriorityFeaturesEXT(sType: StructureType.PhysicalDeviceMemoryPriorityFeaturesExt, memoryPriority: true);
        bool setsMemoryPriority = KnowsMemoryPriority(description);
        if (setsMemoryPriority) extensions.Add(DeviceChoices.MemoryPriorityExtension);
        var lowPriority = new DeviceQueueGlobalPriorityCreateInfoKHR(globalPriority: QueueGlobalPriority.Low);
        return TryCreate(adapter, families, extensions, setsMemoryPriority ? &memoryPriorities : null,
            globalPriority is null ? null : &lowPriority, out device);
    }

    /// <summary>For those who ask what the compiler made of a pipeline (<see cref="CompilerOutput"/>) and run nothing.</summary>
    private static Result TryCreateForCompiling(GpuAdapter adapter, ReadOnlySpan<int> families, out Device device)
    {
        var executables =
            new PhysicalDevicePipelineExecutablePropertiesFeaturesKHR(sType: StructureType.PhysicalDevicePipelineExecutablePropertiesFeaturesKhr, pipelineExecutableInfo: true);
        return TryCreate(adapter, families, [KhrPipelineExecutableProperties.ExtensionName], &executables, null, out device);
    }

    /// <param name="adapter">The adapter.</param>
    /// <param name="families">The queues' families.</param>
    /// <param name="extensions">Extensions to enable.</param>
    /// <param name="features">Their features; null for none.</param>
    /// <param name="queuePriority">The queues' priority among programs; null for the usual one.</param>
    /// <param name="device">The device, when the result is no error.</param>
    private static Result TryCreate(GpuAdapter adapter, ReadOnlySpan<int> families, List<string> extensions, void* features,
        DeviceQueueGlobalPriorityCreateInfoKHR* queuePriority, out Device device)
    {
        DeviceFeatures available = adapter.Description.Features;
        var features13 = new PhysicalDeviceVulkan13Features(sType: StructureType.PhysicalDeviceVulkan13Features, pNext: features,
            synchronization2: true, maintenance4: true,
            subgroupSizeControl: true, shaderIntegerDotProduct: available.IntegerDotProduct);
        var features12 = new PhysicalDeviceVulkan12Features(sType: StructureType.PhysicalDeviceVulkan12Features, pNext: &features13,
            timelineSemaphore: true);
        var enabled = new PhysicalDeviceFeatures2(sType: StructureType.PhysicalDeviceFeatures2, pNext: &features12);
        if (adapter.Instance.Options.GpuAssistedValidation)
        {
            enabled.Features.FragmentStoresAndAtomics = available.FragmentStoresAndAtomics;
            enabled.Features.VertexPipelineStoresAndAtomics = available.VertexPipelineStoresAndAtomics;
        }
        float priority = 0; // the game's own queues go first
        DeviceQueueCreateInfo* queues = stackalloc DeviceQueueCreateInfo[families.Length];
        for (int i = 0; i < families.Length; i++)
            queues[i] = new DeviceQueueCreateInfo(pNext: queuePriority, queueFamilyIndex: (uint)families[i], queueCount: 1,
                pQueuePriorities: &priority);
        nint names = SilkMarshal.StringArrayToPtr(extensions);
        try
        {
            var info = new DeviceCreateInfo(pNext: &enabled, queueCreateInfoCount: (uint)families.Length, pQueueCreateInfos: queues,
                enabledExtensionCount: (uint)extensions.Count, ppEnabledExtensionNames: (byte**)names);
            fixed (Device* created = &device) return adapter.Instance.Vk.CreateDevice(adapter.Handle, &info, null, created);
        }
        finally
        {
            SilkMarshal.Free(names);
        }
    }
}
