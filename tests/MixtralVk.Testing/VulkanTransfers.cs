using System.Runtime.InteropServices;
using Silk.NET.Vulkan;
using Semaphore = Silk.NET.Vulkan.Semaphore;

namespace MixtralVk.Testing;

/// <summary>
/// Gives the software driver, which has one queue, a second family that only copies. What is submitted to its queue is as late as that of a
/// slow copy engine: carried out when somebody waits for it, or after <see cref="Lateness"/> submissions to the other queue. Goes between
/// the engine and the driver by <c>ReplaceCommand</c>, before <see cref="VulkanFaults"/> where both do. One at a time in a process.
/// </summary>
internal static unsafe class VulkanTransfers
{
    /// <summary>Submissions to the compute queue before a copy that was submitted earlier.</summary>
    public const int Lateness = 10;

    private sealed class Copy
    {
        public nint Queue;
        public CommandBufferSubmitInfo Commands;
        public SemaphoreSubmitInfo Wait, Signal;
        public uint WaitCount;
        public int Age;
    }

    private static readonly Lock s_lock = new(); // both queues are one
    private static readonly List<Copy> s_late = [];
    private static delegate* unmanaged<nint, uint*, QueueFamilyProperties*, void> s_families;
    private static delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result> s_create;
    private static delegate* unmanaged<nint, uint, uint, nint*, void> s_queue;
    private static delegate* unmanaged<nint, BufferCreateInfo*, void*, ulong*, Result> s_buffer;
    private static delegate* unmanaged<nint, CommandPoolCreateInfo*, void*, CommandPool*, Result> s_pool;
    private static delegate* unmanaged<nint, uint, SubmitInfo2*, ulong, Result> s_submit;
    private static delegate* unmanaged<nint, SemaphoreWaitInfo*, ulong, Result> s_wait;
    private static uint s_added; // the family

    /// <summary>Copies that were submitted and not carried out yet.</summary>
    public static int Late
    {
        get { lock (s_lock) return s_late.Count; }
    }

    /// <summary>Copies submitted so far.</summary>
    public static int Copies { get; private set; }

    /// <summary>Buffers that were not made for both families, of those made so far.</summary>
    public static int UnsharedBuffers { get; private set; }

    /// <summary>Begins anew; what replaces commands.</summary>
    public static Func<string, nint, nint> Begin()
    {
        s_late.Clear();
        (Copies, UnsharedBuffers) = (0, 0);
        return Replace;
    }

    private static nint Replace(string name, nint address)
    {
        switch (name)
        {
            case "vkGetPhysicalDeviceQueueFamilyProperties":
                s_families = (delegate* unmanaged<nint, uint*, QueueFamilyProperties*, void>)address;
                return (nint)(delegate* unmanaged<nint, uint*, QueueFamilyProperties*, void>)&Families;
            case "vkCreateDevice":
                s_create = (delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result>)address;
                return (nint)(delegate* unmanaged<nint, DeviceCreateInfo*, void*, nint*, Result>)&Create;
            case "vkGetDeviceQueue":
                s_queue = (delegate* unmanaged<nint, uint, uint, nint*, void>)address;
                return (nint)(delegate* unmanaged<nint, uint, uint, nint*, void>)&GetQueue;
            case "vkCreateBuffer":
                s_buffer = (delegate* unmanaged<nint, BufferCreateInfo*, void*, ulong*, Result>)address;
                return (nint)(delegate* unmanaged<nint, BufferCreateInfo*, void*, ulong*, Result>)&CreateBuffer;
            case "vkCreateCommandPool":
                s_pool = (delegate* unmanaged<nint, CommandPoolCreateInfo*, void*, CommandPool*, Result>)address;
                return (nint)(delegate* unmanaged<nint, CommandPoolCreateInfo*, void*, CommandPool*, Result>)&CreatePool;
            case "vkQueueSubmit2":
                s_submit = (delegate* unmanaged<nint, uint, SubmitInfo2*, ulong, Result>)address;
                return (nint)(delegate* unmanaged<nint, uint, SubmitInfo2*, ulong, Result>)&Submit;
            case "vkWaitSemaphores":
                s_wait = (delegate* unmanaged<nint, SemaphoreWaitInfo*, ulong, Result>)address;
                return (nint)(delegate* unmanaged<nint, SemaphoreWaitInfo*, ulong, Result>)&Wait;
            default:
                return address;
        }
    }

    [UnmanagedCallersOnly]
    private static void Families(nint device, uint* count, QueueFamilyProperties* families)
    {
        if (families == null)
        {
            s_families(device, count, null);
            s_added = (*count)++;
            return;
        }
        uint own = *count - 1;
        s_families(device, &own, families);
        families[own] = new QueueFamilyProperties(QueueFlags.TransferBit, 1);
    }

    [UnmanagedCallersOnly]
    private static Result Create(nint physicalDevice, DeviceCreateInfo* info, void* allocator, nint* device)
    {
        DeviceCreateInfo known = *info;
        for (uint i = 0; i < info->QueueCreateInfoCount; i++)
            if (info->PQueueCreateInfos[i].QueueFamilyIndex == s_added) known.QueueCreateInfoCount = i; // it comes last
        return s_create(physicalDevice, &known, allocator, device);
    }

    /// <summary>The one queue there is; of the added family with an odd handle, which no driver's is.</summary>
    [UnmanagedCallersOnly]
    private static void GetQueue(nint device, uint family, uint index, nint* queue)
    {
        s_queue(device, family == s_added ? 0 : family, index, queue);
        if (family == s_added) (*queue)++;
    }

    [UnmanagedCallersOnly]
    private static Result CreateBuffer(nint device, BufferCreateInfo* info, void* allocator, ulong* buffer)
    {
        BufferCreateInfo known = *info;
        if (info->SharingMode != SharingMode.Concurrent || info->QueueFamilyIndexCount != 2) UnsharedBuffers++;
        (known.SharingMode, known.QueueFamilyIndexCount) = (SharingMode.Exclusive, 0);
        return s_buffer(device, &known, allocator, buffer);
    }

    [UnmanagedCallersOnly]
    private static Result CreatePool(nint device, CommandPoolCreateInfo* info, void* allocator, CommandPool* pool)
    {
        CommandPoolCreateInfo known = *info;
        if (known.QueueFamilyIndex == s_added) known.QueueFamilyIndex = 0;
        return s_pool(device, &known, allocator, pool);
    }

    [UnmanagedCallersOnly]
    private static Result Submit(nint queue, uint count, SubmitInfo2* submits, ulong fence)
    {
        lock (s_lock)
        {
            if (queue % 2 != 0)
            {
                Copies++;
                s_late.Add(new Copy { Queue = queue - 1, Commands = *submits->PCommandBufferInfos, Signal = *submits->PSignalSemaphoreInfos,
                    WaitCount = submits->WaitSemaphoreInfoCount, Wait = *submits->PWaitSemaphoreInfos });
                return Result.Success;
            }
            foreach (Copy copy in s_late) copy.Age++;
            if (submits->WaitSemaphoreInfoCount > 0) CarryOut(submits->PWaitSemaphoreInfos->Semaphore);
            while (s_late.Count > 0 && s_late[0].Age > Lateness) CarryOutFirst();
            return s_submit(queue, count, submits, fence);
        }
    }

    [UnmanagedCallersOnly]
    private static Result Wait(nint device, SemaphoreWaitInfo* info, ulong timeout)
    {
        lock (s_lock) CarryOut(*info->PSemaphores);
        return s_wait(device, info, timeout);
    }

    private static void CarryOut(Semaphore awaited)
    {
        while (s_late.Exists(copy => copy.Signal.Semaphore.Handle == awaited.Handle)) CarryOutFirst();
    }

    private static void CarryOutFirst()
    {
        Copy copy = s_late[0];
        s_late.RemoveAt(0);
        fixed (CommandBufferSubmitInfo* commands = &copy.Commands)
        fixed (SemaphoreSubmitInfo* wait = &copy.Wait, signal = &copy.Signal)
        {
            var submit = new SubmitInfo2(waitSemaphoreInfoCount: copy.WaitCount, pWaitSemaphoreInfos: wait, commandBufferInfoCount: 1,
                pCommandBufferInfos: commands, signalSemaphoreInfoCount: 1, pSignalSemaphoreInfos: signal);
            if (s_submit(copy.Queue, 1, &submit, 0) is var result and not Result.Success) Environment.FailFast($"A late copy: {result}");
        }
    }
}
