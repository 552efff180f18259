using System.Runtime.InteropServices;
using MixtralVk.Testing;
using Silk.NET.Vulkan;

namespace MixtralVk.Gpu.Tests;

/// <summary>
/// What the driver is told of the priority of memory. No driver here has VK_EXT_memory_priority: commands between the engine and lavapipe
/// say that it has, and take it out of what the engine asks for.
/// </summary>
public sealed unsafe class MemoryPriorityTests
{
    private const uint AddedCount = 1;

    private static readonly ShaderLibrary s_shaders = new(typeof(MemoryPriorityTests).Assembly);
    private static delegate* unmanaged<nint, byte*, uint*, ExtensionProperties*, Result> s_enumerate;
    private static delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result> s_create;
    private static delegate* unmanaged<nint, MemoryAllocateInfo*, void*, ulong*, Result> s_allocate;
    private static readonly List<float?> s_priorities = [];
    private static string[] s_enabled = [];
    private static bool s_isFeatureEnabled;

    [Fact]
    public void What_can_be_done_without_is_to_be_moved_out_first_and_lies_in_blocks_of_its_own()
    {
        s_priorities.Clear();
        using TestGpu gpu = TestGpu.Open(s_shaders, with: o => o with { Validation = false, ReplaceCommand = Replace });
        Assert.Contains(DeviceChoices.MemoryPriorityExtension, s_enabled);
        Assert.True(s_isFeatureEnabled);
        using GpuBuffer weights = gpu.Device.CreateBuffer(1000, BufferUse.Device, "weights"),
            expert = gpu.Device.CreateBuffer(1000, BufferUse.Device, "expert", yieldsFirst: true);
        using GpuBuffer another = gpu.Device.CreateBuffer(1000, BufferUse.Device, "another", yieldsFirst: true);
        Assert.Equal([null, 0.25f], s_priorities);
        Assert.NotSame(weights.Block, expert.Block);
        Assert.Same(expert.Block, another.Block);
    }

    [Fact]
    public void Without_priorities_it_lies_apart_as_well_and_its_memory_can_be_given_back()
    {
        using TestGpu gpu = TestGpu.Open(s_shaders);
        using GpuBuffer weights = gpu.Device.CreateBuffer(1000, BufferUse.Device, "weights"),
            expert = gpu.Device.CreateBuffer(1000, BufferUse.Device, "expert", yieldsFirst: true);
        long before = gpu.Device.UsedMemory;
        GpuBuffer another = gpu.Device.CreateBuffer(1000, BufferUse.Device, "another", yieldsFirst: true);
        Assert.NotSame(weights.Block, expert.Block);
        Assert.Same(expert.Block, another.Block);
        another.Dispose();
        Assert.Equal(before, gpu.Device.UsedMemory);
        expert.Dispose();
        Assert.InRange(gpu.Device.UsedMemory, 1, before - 1);
    }

    private static nint Replace(string name, nint address)
    {
        switch (name)
        {
            case "vkEnumerateDeviceExtensionProperties":
                s_enumerate = (delegate* unmanaged<nint, byte*, uint*, ExtensionProperties*, Result>)address;
                return (nint)(delegate* unmanaged<nint, byte*, uint*, ExtensionProperties*, Result>)&Enumerate;
            case "vkCreateDevice":
                s_create = (delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result>)address;
                return (nint)(delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result>)&Create;
            case "vkAllocateMemory":
                s_allocate = (delegate* unmanaged<nint, MemoryAllocateInfo*, void*, ulong*, Result>)address;
                return (nint)(delegate* unmanaged<nint, MemoryAllocateInfo*, void*, ulong*, Result>)&Allocate;
            default:
                return address;
        }
    }

    [UnmanagedCallersOnly]
    private static Result Enumerate(nint device, byte* layer, uint* count, ExtensionProperties* properties)
    {
        if (properties == null)
        {
            Result result = s_enumerate(device, layer, count, null);
            *count += AddedCount;
            return result;
        }
        uint own = *count - AddedCount;
        Result listed = s_enumerate(device, layer, &own, properties);
        properties[own] = default;
        System.Text.Encoding.UTF8.GetBytes(DeviceChoices.MemoryPriorityExtension, new Span<byte>(properties[own].ExtensionName, 256));
        return listed;
    }

    [UnmanagedCallersOnly]
    private static Result Create(nint physicalDevice, DeviceCreateInfo* info, void* allocator, nint* device)
    {
        s_enabled = [.. Enumerable.Range(0, (int)info->EnabledExtensionCount)
            .Select(i => Marshal.PtrToStringUTF8((nint)info->PpEnabledExtensionNames[i])!)];
        var feature = Find<PhysicalDeviceMemoryPriorityFeaturesEXT>(info->PNext, StructureType.PhysicalDeviceMemoryPriorityFeaturesExt);
        s_isFeatureEnabled = feature != null && feature->MemoryPriority;
        if (feature != null) feature->MemoryPriority = false;
        DeviceCreateInfo known = *info;
        known.EnabledExtensionCount = (uint)Array.IndexOf(s_enabled, DeviceChoices.MemoryPriorityExtension); // it comes last
        return s_create(physicalDevice, &known, allocator, device);
    }

    [UnmanagedCallersOnly]
    private static Result Allocate(nint device, MemoryAllocateInfo* info, void* allocator, ulong* memory)
    {
        var priority = Find<MemoryPriorityAllocateInfoEXT>(info->PNext, StructureType.MemoryPriorityAllocateInfoExt);
        s_priorities.Add(priority == null ? null : priority->Priority);
        return s_allocate(device, info, allocator, memory);
    }

    /// <summary>The structure of a type in a chain, or null.</summary>
    private static T* Find<T>(void* chain, StructureType type) where T : unmanaged
    {
        for (var next = (BaseInStructure*)chain; next != null; next = next->PNext)
            if (next->SType == type) return (T*)next;
        return null;
    }
}
