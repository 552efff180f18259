using System.Runtime.InteropServices;

namespace MixtralVk.Testing;

/// <summary>
/// A driver that moves memory out of the device's: whatever the device does takes it <see cref="Slowness"/> times as long by its own clock,
/// until memory is given back. Goes between the engine and the driver by <c>ReplaceCommand</c>. One at a time in a process.
/// </summary>
internal static unsafe class VulkanEviction
{
    /// <summary>Times as long as before.</summary>
    public const ulong Slowness = 20;

    private static delegate* unmanaged<nint, ulong, uint, uint, nuint, ulong*, ulong, uint, int> s_timestamps;
    private static delegate* unmanaged<nint, ulong, void*, void> s_free;
    private static volatile bool s_isOut;

    /// <summary>Whether memory is out.</summary>
    public static bool IsOut => s_isOut;

    /// <summary>Moves memory out.</summary>
    public static void MoveOut() => s_isOut = true;

    /// <summary>Begins anew; what replaces commands.</summary>
    public static Func<string, nint, nint> Begin()
    {
        s_isOut = false;
        return Replace;
    }

    private static nint Replace(string name, nint address)
    {
        switch (name)
        {
            case "vkGetQueryPoolResults":
                s_timestamps = (delegate* unmanaged<nint, ulong, uint, uint, nuint, ulong*, ulong, uint, int>)address;
                return (nint)(delegate* unmanaged<nint, ulong, uint, uint, nuint, ulong*, ulong, uint, int>)&Timestamps;
            case "vkFreeMemory":
                s_free = (delegate* unmanaged<nint, ulong, void*, void>)address;
                return (nint)(delegate* unmanaged<nint, ulong, void*, void>)&Free;
            default:
                return address;
        }
    }

    [UnmanagedCallersOnly]
    private static int Timestamps(nint device, ulong pool, uint first, uint count, nuint size, ulong* ticks, ulong stride, uint flags)
    {
        int result = s_timestamps(device, pool, first, count, size, ticks, stride, flags);
        if (s_isOut) *ticks *= Slowness;
        return result;
    }

    [UnmanagedCallersOnly]
    private static void Free(nint device, ulong memory, void* allocator)
    {
        s_isOut = false;
        s_free(device, memory, allocator);
    }
}
