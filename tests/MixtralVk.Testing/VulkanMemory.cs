using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Silk.NET.Vulkan;

namespace MixtralVk.Testing;

/// <summary>
/// Counts what the driver has given and not got back: bytes of memory and devices. Goes between the engine and the driver by
/// <c>ReplaceCommand</c>. One at a time in a process, as <see cref="VulkanFaults"/>.
/// </summary>
internal static unsafe class VulkanMemory
{
    private static readonly ConcurrentDictionary<ulong, ulong> s_live = [];
    private static delegate* unmanaged<nint, MemoryAllocateInfo*, void*, ulong*, Result> s_allocate;
    private static delegate* unmanaged<nint, ulong, void*, void> s_free;
    private static delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result> s_create;
    private static delegate* unmanaged<nint, void*, void> s_destroy;
    private static int s_devices;

    /// <summary>Bytes of memory that is not freed.</summary>
    public static long LiveBytes => s_live.Values.Sum(bytes => (long)bytes);

    /// <summary>Devices that are not destroyed.</summary>
    public static int LiveDevices => s_devices;

    /// <summary>Begins at nothing.</summary>
    public static Func<string, nint, nint> Count()
    {
        s_live.Clear();
        s_devices = 0;
        return Replace;
    }

    private static nint Replace(string name, nint address)
    {
        switch (name)
        {
            case "vkAllocateMemory":
                s_allocate = (delegate* unmanaged<nint, MemoryAllocateInfo*, void*, ulong*, Result>)address;
                return (nint)(delegate* unmanaged<nint, MemoryAllocateInfo*, void*, ulong*, Result>)&Allocate;
            case "vkFreeMemory":
                s_free = (delegate* unmanaged<nint, ulong, void*, void>)address;
                return (nint)(delegate* unmanaged<nint, ulong, void*, void>)&Free;
            case "vkCreateDevice":
                s_create = (delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result>)address;
                return (nint)(delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result>)&Create;
            case "vkDestroyDevice":
                s_destroy = (delegate* unmanaged<nint, void*, void>)address;
                return (nint)(delegate* unmanaged<nint, void*, void>)&Destroy;
            default:
                return address;
        }
    }

    [UnmanagedCallersOnly]
    private static Result Allocate(nint device, MemoryAllocateInfo* info, void* allocator, ulong* memory)
    {
        Result result = s_allocate(device, info, allocator, memory);
        if (result == Result.Success) s_live[*memory] = info->AllocationSize;
        return result;
    }

    [UnmanagedCallersOnly]
    private static void Free(nint device, ulong memory, void* allocator)
    {
        s_live.TryRemove(memory, out _);
        s_free(device, memory, allocator);
    }

    [UnmanagedCallersOnly]
    private static Result Create(nint physicalDevice, DeviceCreateInfo* info, void* allocator, nint* device)
    {
        Result result = s_create(physicalDevice, info, allocator, device);
        if (result == Result.Success) Interlocked.Increment(ref s_devices);
        return result;
    }

    [UnmanagedCallersOnly]
    private static void Destroy(nint device, void* allocator)
    {
        s_destroy(device, allocator);
        Interlocked.Decrement(ref s_devices);
    }
}
