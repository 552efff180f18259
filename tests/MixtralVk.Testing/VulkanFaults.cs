using System.Runtime.InteropServices;
using Silk.NET.Vulkan;

namespace MixtralVk.Testing;

/// <summary>
/// Loses the device that is in use, or refuses a submission or a recording, as drivers do: from the n-th of the chosen calls on every
/// submission and every wait says so, until a device is made or <see cref="Mend"/> is called. Goes between the engine and the driver by
/// <c>ReplaceCommand</c>. One at a time in a process, as functions that the driver's callers call have no object of their own.
/// </summary>
internal static unsafe class VulkanFaults
{
    private static delegate* unmanaged<nint, uint, SubmitInfo2*, ulong, Result> s_submit;
    private static delegate* unmanaged<nint, SemaphoreWaitInfo*, ulong, Result> s_wait;
    private static delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result> s_create;
    private static delegate* unmanaged<nint, CommandPoolCreateInfo*, void*, CommandPool*, Result> s_createPool;
    private static int s_submissionsLeft, s_waitsLeft, s_refused, s_beforeRefusal, s_refusedPools;
    private static volatile bool s_isLost;

    /// <summary>Submissions that go well before the device is lost; most, unless set.</summary>
    public static int SubmissionsLeft { set => s_submissionsLeft = value; }

    /// <summary>
    /// The next so many submissions, after those of <see cref="SubmissionsBeforeRefusal"/>, are refused for lack of memory; the device is
    /// not lost.
    /// </summary>
    public static int RefusedSubmissions { set => s_refused = value; }

    /// <summary>Submissions that go well before the first is refused; none, unless set.</summary>
    public static int SubmissionsBeforeRefusal { set => s_beforeRefusal = value; }

    /// <summary>So many recordings to come are refused for lack of memory.</summary>
    public static int RefusedRecordings { get => Math.Max(0, s_refusedPools); set => s_refusedPools = value; }

    /// <summary>Waits that go well before the device is lost.</summary>
    public static int WaitsLeft { set => s_waitsLeft = value; }

    /// <summary>Devices of the engine's own that were made.</summary>
    public static int Devices { get; private set; }

    /// <summary>The device works again; none is lost from now on.</summary>
    public static void Mend()
    {
        s_submissionsLeft = s_waitsLeft = int.MaxValue;
        s_refused = s_beforeRefusal = s_refusedPools = 0;
        s_isLost = false;
    }

    /// <summary>Begins anew: nothing is lost and no device was made.</summary>
    public static Func<string, nint, nint> Begin()
    {
        Mend();
        Devices = 0;
        return Replace;
    }

    private static nint Replace(string name, nint address)
    {
        switch (name)
        {
            case "vkQueueSubmit2":
                s_submit = (delegate* unmanaged<nint, uint, SubmitInfo2*, ulong, Result>)address;
                return (nint)(delegate* unmanaged<nint, uint, SubmitInfo2*, ulong, Result>)&Submit;
            case "vkWaitSemaphores":
                s_wait = (delegate* unmanaged<nint, SemaphoreWaitInfo*, ulong, Result>)address;
                return (nint)(delegate* unmanaged<nint, SemaphoreWaitInfo*, ulong, Result>)&Wait;
            case "vkCreateDevice":
                s_create = (delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result>)address;
                return (nint)(delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result>)&Create;
            case "vkCreateCommandPool":
                s_createPool = (delegate* unmanaged<nint, CommandPoolCreateInfo*, void*, CommandPool*, Result>)address;
                return (nint)(delegate* unmanaged<nint, CommandPoolCreateInfo*, void*, CommandPool*, Result>)&CreatePool;
            default:
                return address;
        }
    }

    [UnmanagedCallersOnly]
    private static Result Submit(nint queue, uint count, SubmitInfo2* submits, ulong fence)
    {
        if (s_refused > 0 && --s_beforeRefusal < 0)
        {
            s_refused--;
            return Result.ErrorOutOfDeviceMemory;
        }
        if (Interlocked.Decrement(ref s_submissionsLeft) < 0) s_isLost = true;
        return s_isLost ? Result.ErrorDeviceLost : s_submit(queue, count, submits, fence);
    }

    [UnmanagedCallersOnly]
    private static Result Wait(nint device, SemaphoreWaitInfo* info, ulong timeout)
    {
        Result result = s_wait(device, info, timeout); // the driver's objects may be destroyed afterwards: nothing is in flight
        if (Interlocked.Decrement(ref s_waitsLeft) < 0) s_isLost = true;
        return s_isLost ? Result.ErrorDeviceLost : result;
    }

    [UnmanagedCallersOnly]
    private static Result Create(nint physicalDevice, DeviceCreateInfo* info, void* allocator, nint* device)
    {
        Mend();
        Devices++;
        return s_create(physicalDevice, info, allocator, device);
    }

    [UnmanagedCallersOnly]
    private static Result CreatePool(nint device, CommandPoolCreateInfo* info, void* allocator, CommandPool* pool) =>
        Interlocked.Decrement(ref s_refusedPools) >= 0 ? Result.ErrorOutOfDeviceMemory : s_createPool(device, info, allocator, pool);
}
