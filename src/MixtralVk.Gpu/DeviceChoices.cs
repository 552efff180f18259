using System.Numerics;

namespace MixtralVk.Gpu;

/// <summary>What a buffer is for; decides its memory type.</summary>
public enum BufferUse
{
    /// <summary>Lives on the device; the host never sees it.</summary>
    Device,
    /// <summary>Written by the host in order, copied from by the device.</summary>
    Upload,
    /// <summary>Copied to by the device, read by the host.</summary>
    ReadBack,
    /// <summary>A little data written by the host each step and read by shaders.</summary>
    Parameters,
}

/// <summary>Every decision about a device, as pure functions of its <see cref="DeviceDescription"/>.</summary>
public static class DeviceChoices
{
    /// <summary>
    /// Storage buffers that the kernels bind at most. Vulkan guarantees 4; every driver of the GPUs we serve has 16 and more.
    /// </summary>
    public const int NeededStorageBuffers = 8;

    /// <summary>Heaps of host-visible device memory up to this size are a small window (256 MiB BAR): they are left to others.</summary>
    private const ulong SmallWindow = 512ul << 20;

    /// <summary>Names of what the device lacks; empty when it can run the engine.</summary>
    public static IReadOnlyList<string> Missing(DeviceDescription device)
    {
        ArgumentNullException.ThrowIfNull(device);
        var missing = new List<string>();
        if (device.ApiVersion < new Version(1, 3)) missing.Add($"Vulkan 1.3 (it has {device.ApiVersion.ToString(2)})");
        if (!device.Features.TimelineSemaphore) missing.Add("timelineSemaphore");
        if (!device.Features.Synchronization2) missing.Add("synchronization2");
        if (!device.Features.Maintenance4) missing.Add("maintenance4");
        if (!device.Features.SubgroupSizeControl) missing.Add("subgroupSizeControl");
        if (!device.Features.SubgroupShuffle) missing.Add("subgroup shuffles");
        if (!device.Features.SubgroupBallot) missing.Add("subgroup ballots");
        if (!device.QueueFamilies.Any(f => f.Traits.HasFlag(QueueTraits.Compute) && f.Count > 0)) missing.Add("a compute queue");
        if (device.Limits.MaxStorageBuffersPerStage < NeededStorageBuffers)
            missing.Add($"maxPerStageDescriptorStorageBuffers of at least {NeededStorageBuffers}");
        if (!device.MemoryTypes.Any(t => t.Traits.HasFlag(MemoryTraits.HostVisible))) missing.Add("host-visible memory");
        return missing;
    }

    /// <summary>
    /// Index of the queue family to compute on: one without graphics where there is one (it runs beside the game's rendering), else the
    /// first that computes.
    /// </summary>
    public static int ComputeQueueFamily(DeviceDescription device)
    {
        ArgumentNullException.ThrowIfNull(device);
        int any = -1;
        for (int i = 0; i < device.QueueFamilies.Count; i++)
        {
            QueueFamily family = device.QueueFamilies[i];
            if (!family.Traits.HasFlag(QueueTraits.Compute) || family.Count == 0) continue;
            if (!family.Traits.HasFlag(QueueTraits.Graphics)) return i;
            if (any < 0) any = i;
        }
        return any >= 0 ? any : throw new GpuUnsupportedException(device.Name, ["a compute queue"]);
    }

    /// <summary>
    /// Index of the queue family to bring weights with: the first that copies and does nothing else, a copy engine beside the shaders; null
    /// where there is none.
    /// </summary>
    public static int? TransferQueueFamily(DeviceDescription device)
    {
        ArgumentNullException.ThrowIfNull(device);
        for (int i = 0; i < device.QueueFamilies.Count; i++)
            if (device.QueueFamilies[i] is { Traits: QueueTraits.Transfer, Count: > 0 }) return i;
        return null;
    }

    /// <summary>
    /// The extension by which a driver learns what to move out of the device's memory first; its one feature is there wherever it is.
    /// </summary>
    internal const string MemoryPriorityExtension = "VK_EXT_memory_priority";

    /// <summary>The extension that puts a queue behind those of other programs; null where there is none.</summary>
    public static string? GlobalPriorityExtension(DeviceDescription device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.Extensions.Contains("VK_KHR_global_priority") ? "VK_KHR_global_priority"
            : device.Extensions.Contains("VK_EXT_global_priority") ? "VK_EXT_global_priority" : null;
    }

    /// <summary>
    /// The queue a host should lend: the first of a family without graphics, else the second of the family it renders with, else, where
    /// that has only one, the host's own. A global priority holds for all queues of a family, so it is only asked for in a family the host
    /// does not use.
    /// </summary>
    public static QueueChoice QueueBesideHost(DeviceDescription device)
    {
        int family = ComputeQueueFamily(device);
        if (!device.QueueFamilies[family].Traits.HasFlag(QueueTraits.Graphics))
            return new QueueChoice(family, 0, false, GlobalPriorityExtension(device));
        bool hasSecond = device.QueueFamilies[family].Count > 1;
        return new QueueChoice(family, hasSecond ? 1 : 0, !hasSecond, null);
    }

    /// <summary>
    /// Index of the memory type for <paramref name="use"/> among those whose bit is set in <paramref name="allowedTypes"/>. Among equals
    /// the larger heap wins, then the driver's order.
    /// </summary>
    public static int MemoryTypeFor(DeviceDescription device, BufferUse use, uint allowedTypes = uint.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(device);
        int best = -1;
        (int Wishes, ulong Heap) bestScore = default;
        for (int i = 0; i < device.MemoryTypes.Count; i++)
        {
            MemoryTraits traits = device.MemoryTypes[i].Traits;
            if ((allowedTypes >> i & 1) == 0 || traits.HasFlag(MemoryTraits.Restricted)) continue;
            if (use != BufferUse.Device && !traits.HasFlag(MemoryTraits.HostVisible)) continue;
            (int, ulong) score = (Wishes(device, i, use), device.MemoryHeaps[device.MemoryTypes[i].Heap].Size);
            if (best >= 0 && score.CompareTo(bestScore) <= 0) continue;
            (best, bestScore) = (i, score);
        }
        return best >= 0 ? best : throw new GpuUnsupportedException(device.Name, [$"a memory type for {use} buffers"]);
    }

    /// <summary>How well a memory type serves a use; each line outweighs those below it.</summary>
    private static int Wishes(DeviceDescription device, int type, BufferUse use)
    {
        MemoryTraits traits = device.MemoryTypes[type].Traits;
        bool local = traits.HasFlag(MemoryTraits.DeviceLocal), visible = traits.HasFlag(MemoryTraits.HostVisible);
        bool coherent = traits.HasFlag(MemoryTraits.HostCoherent), cached = traits.HasFlag(MemoryTraits.HostCached);
        bool window = local && visible && device.MemoryHeaps[device.MemoryTypes[type].Heap].Size <= SmallWindow;
        return use switch
        {
            // Where device and host share memory, one that can be mapped spares the staging copy.
            BufferUse.Device => Weigh(local, !window, visible == SharesMemory(device)),
            // Write-combined system memory: the host streams into it, the copy engine reads it over the bus.
            BufferUse.Upload => Weigh(coherent, !local, !cached),
            BufferUse.ReadBack => Weigh(cached, coherent, !local),
            BufferUse.Parameters => Weigh(coherent, local && !window, !cached),
        };
    }

    private static int Weigh(bool first, bool second, bool third) => (first ? 4 : 0) + (second ? 2 : 0) + (third ? 1 : 0);

    /// <summary>
    /// True when weights may be written straight into device memory through its mapping, without staging: the device shares the host's
    /// memory, so a copy would only move the same bytes twice.
    /// </summary>
    public static bool WritesDeviceMemoryDirectly(DeviceDescription device)
    {
        ArgumentNullException.ThrowIfNull(device);
        MemoryTraits traits = device.MemoryTypes[MemoryTypeFor(device, BufferUse.Device)].Traits;
        return SharesMemory(device) && traits.HasFlag(MemoryTraits.HostVisible | MemoryTraits.HostCoherent);
    }

    /// <summary>
    /// True when the device's memory is the host's: what is loaded there takes main memory, and mapped files can be used in place.
    /// </summary>
    public static bool SharesMemory(DeviceDescription device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.Type is AdapterType.Software or AdapterType.Integrated;
    }

    /// <summary>
    /// True when the driver tells what other programs leave of the device's memory (VK_EXT_memory_budget). A software driver's heap is a
    /// made-up number.
    /// </summary>
    public static bool KnowsSpareMemory(DeviceDescription device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.Type != AdapterType.Software && device.Extensions.Contains("VK_EXT_memory_budget");
    }

    /// <summary>
    /// Bytes the engine takes at most when the host sets no budget: 80 % of the heap that <see cref="BufferUse.Device"/> uses.
    /// </summary>
    public static long DefaultBudget(DeviceDescription device)
    {
        ArgumentNullException.ThrowIfNull(device);
        ulong heap = device.MemoryHeaps[device.MemoryTypes[MemoryTypeFor(device, BufferUse.Device)].Heap].Size;
        // A software driver's heap is a made-up number (lavapipe: 2 GiB, not enforced); its memory is the machine's.
        if (device.Type == AdapterType.Software) heap = Math.Max(heap, (ulong)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        return (long)(heap / 10 * 8);
    }

    /// <summary>
    /// Size in bytes of the memory blocks that buffers are cut from: for device memory an eighth of the heap, between 16 and 256 MiB, a
    /// power of two; 16 MiB for the little that the host sees.
    /// </summary>
    public static ulong BlockSize(DeviceDescription device, int memoryType, BufferUse use)
    {
        ArgumentNullException.ThrowIfNull(device);
        ulong eighth = BitOperations.RoundUpToPowerOf2(device.MemoryHeaps[device.MemoryTypes[memoryType].Heap].Size / 8);
        ulong block = use == BufferUse.Device ? Math.Clamp(eighth, 16ul << 20, 256ul << 20) : 16ul << 20;
        return Math.Min(block, Math.Min(device.Limits.MaxAllocationSize, device.Limits.MaxBufferSize));
    }

    /// <summary>
    /// The adapter to use when the caller names none: the best real GPU (discrete, then integrated, then virtual; among equals the one with
    /// more memory), or -1 when there is only a software driver or nothing usable.
    /// </summary>
    public static int BestGpu(IReadOnlyList<DeviceDescription> devices)
    {
        ArgumentNullException.ThrowIfNull(devices);
        int best = -1;
        (int, ulong) bestScore = default;
        for (int i = 0; i < devices.Count; i++)
        {
            int rank = devices[i].Type switch { AdapterType.Discrete => 3, AdapterType.Integrated => 2, AdapterType.Virtual => 1,
                AdapterType.Software or AdapterType.Other => 0 };
            if (rank == 0 || Missing(devices[i]).Count > 0) continue;
            (int, ulong) score = (rank, devices[i].MemoryHeaps.Where(h => h.IsDeviceLocal).Select(h => h.Size).DefaultIfEmpty().Max());
            if (best >= 0 && score.CompareTo(bestScore) <= 0) continue;
            (best, bestScore) = (i, score);
        }
        return best;
    }
}
