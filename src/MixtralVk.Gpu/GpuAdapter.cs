using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>A device the loader found, not opened yet.</summary>
public sealed unsafe class GpuAdapter
{
    internal GpuAdapter(GpuInstance instance, PhysicalDevice handle)
    {
        Instance = instance;
        Handle = handle;
        Description = Describe(instance.Vk, handle);
    }

    /// <summary>Everything about it.</summary>
    public DeviceDescription Description { get; }

    /// <summary>What it lacks to run the engine; empty when it can.</summary>
    public IReadOnlyList<string> Missing => DeviceChoices.Missing(Description);

    internal GpuInstance Instance { get; }

    internal PhysicalDevice Handle { get; }

    /// <summary>
    /// Bytes of device memory the driver says this process may use now (VK_EXT_memory_budget), or null when it cannot tell.
    /// </summary>
    public long? FreeMemory() => SpareMemory() is long spare ? Math.Max(0, spare) : null;

    /// <summary>The same, negative where the process has more than it may: others need memory.</summary>
    internal long? SpareMemory()
    {
        if (!Description.Extensions.Contains("VK_EXT_memory_budget")) return null;
        var budget = new PhysicalDeviceMemoryBudgetPropertiesEXT(sType: StructureType.PhysicalDeviceMemoryBudgetPropertiesExt);
        var memory = new PhysicalDeviceMemoryProperties2(sType: StructureType.PhysicalDeviceMemoryProperties2, pNext: &budget);
        Instance.Vk.GetPhysicalDeviceMemoryProperties2(Handle, &memory);
        int heap = Description.MemoryTypes[DeviceChoices.MemoryTypeFor(Description, BufferUse.Device)].Heap;
        return (long)budget.HeapBudget[heap] - (long)budget.HeapUsage[heap];
    }

    private static DeviceDescription Describe(Vk vk, PhysicalDevice device)
    {
        var properties13 = new PhysicalDeviceVulkan13Properties(sType: StructureType.PhysicalDeviceVulkan13Properties);
        var properties12 =
            new PhysicalDeviceVulkan12Properties(sType: StructureType.PhysicalDeviceVulkan12Properties, pNext: &properties13);
        var properties11 =
            new PhysicalDeviceVulkan11Properties(sType: StructureType.PhysicalDeviceVulkan11Properties, pNext: &properties12);
        var properties = new PhysicalDeviceProperties2(sType: StructureType.PhysicalDeviceProperties2, pNext: &properties11);
        vk.GetPhysicalDeviceProperties2(device, &properties);
        PhysicalDeviceProperties core = properties.Properties;
        var version = new Version((int)(core.ApiVersion >> 22), (int)(core.ApiVersion >> 12 & 0x3FF), (int)(core.ApiVersion & 0xFFF));

        return new DeviceDescription
        {
            Name = Utf8.ToString(core.DeviceName),
            VendorId = core.VendorID,
            DeviceId = core.DeviceID,
            Type = core.DeviceType switch
            {
                PhysicalDeviceType.DiscreteGpu => AdapterType.Discrete,
                PhysicalDeviceType.IntegratedGpu => AdapterType.Integrated,
                PhysicalDeviceType.VirtualGpu => AdapterType.Virtual,
                PhysicalDeviceType.Cpu => AdapterType.Software,
                _ => AdapterType.Other,
            },
            Driver = $"{Utf8.ToString(properties12.DriverName)} {Utf8.ToString(properties12.DriverInfo)}".Trim(),
            ApiVersion = version,
            DeviceUuid = Convert.ToHexStringLower(new ReadOnlySpan<byte>(properties11.DeviceUuid, 16)),
            DriverUuid = Convert.ToHexStringLower(new ReadOnlySpan<byte>(properties11.DriverUuid, 16)),
            Limits = LimitsOf(core.Limits, properties11, properties13),
            Features = FeaturesOf(vk, device, properties11, properties13),
            MemoryTypes = MemoryTypesOf(vk, device, out IReadOnlyList<DeviceMemoryHeap> heaps),
            MemoryHeaps = heaps,
            QueueFamilies = QueueFamiliesOf(vk, device),
            Extensions = ExtensionsOf(vk, device),
        };
    }

    private static DeviceLimits LimitsOf(in PhysicalDeviceLimits limits, in PhysicalDeviceVulkan11Properties v11,
        in PhysicalDeviceVulkan13Properties v13)
    {
        fixed (PhysicalDeviceLimits* p = &limits)
        {
            return new DeviceLimits
            {
                MaxStorageBufferRange = limits.MaxStorageBufferRange,
                MaxUniformBufferRange = limits.MaxUniformBufferRange,
                MaxTexelBufferElements = limits.MaxTexelBufferElements,
                MaxPushConstantsSize = limits.MaxPushConstantsSize,
                MaxStorageBuffersPerStage = limits.MaxPerStageDescriptorStorageBuffers,
                MaxWorkgroupInvocations = limits.MaxComputeWorkGroupInvocations,
                MaxWorkgroupCount =
                    Math.Min(p->MaxComputeWorkGroupCount[0], Math.Min(p->MaxComputeWorkGroupCount[1], p->MaxComputeWorkGroupCount[2])),
                MaxSharedMemory = limits.MaxComputeSharedMemorySize,
                MinStorageBufferOffsetAlignment = limits.MinStorageBufferOffsetAlignment,
                NonCoherentAtomSize = limits.NonCoherentAtomSize,
                MaxAllocationCount = limits.MaxMemoryAllocationCount,
                MaxAllocationSize = v11.MaxMemoryAllocationSize,
                MaxBufferSize = v13.MaxBufferSize,
                SubgroupSize = v11.SubgroupSize,
                MinSubgroupSize = v13.MinSubgroupSize,
                MaxSubgroupSize = v13.MaxSubgroupSize,
                TimestampPeriod = limits.TimestampPeriod,
            };
        }
    }

    private static DeviceFeatures FeaturesOf(Vk vk, PhysicalDevice device, in PhysicalDeviceVulkan11Properties v11,
        in PhysicalDeviceVulkan13Properties v13)
    {
        var features13 = new PhysicalDeviceVulkan13Features(sType: StructureType.PhysicalDeviceVulkan13Features);
        var features12 = new PhysicalDeviceVulkan12Features(sType: StructureType.PhysicalDeviceVulkan12Features, pNext: &features13);
        var features11 = new PhysicalDeviceVulkan11Features(sType: StructureType.PhysicalDeviceVulkan11Features, pNext: &features12);
        var features = new PhysicalDeviceFeatures2(sType: StructureType.PhysicalDeviceFeatures2, pNext: &features11);
        vk.GetPhysicalDeviceFeatures2(device, &features);
        return new DeviceFeatures
        {
            TimelineSemaphore = features12.TimelineSemaphore,
            Synchronization2 = features13.Synchronization2,
            Maintenance4 = features13.Maintenance4,
            SubgroupSizeControl = features13.SubgroupSizeControl,
            SubgroupShuffle = v11.SubgroupSupportedOperations.HasFlag(SubgroupFeatureFlags.ShuffleBit)
                && v11.SubgroupSupportedStages.HasFlag(ShaderStageFlags.ComputeBit),
            SubgroupBallot = v11.SubgroupSupportedOperations.HasFlag(SubgroupFeatureFlags.BallotBit)
                && v11.SubgroupSupportedStages.HasFlag(ShaderStageFlags.ComputeBit),
            Storage16Bit = features11.StorageBuffer16BitAccess,
            Storage8Bit = features12.StorageBuffer8BitAccess,
            Float16 = features12.ShaderFloat16,
            Int8 = features12.ShaderInt8,
            IntegerDotProduct = features13.ShaderIntegerDotProduct,
            IntegerDotProductAccelerated = v13.IntegerDotProduct4x8BitPackedSignedAccelerated,
            FragmentStoresAndAtomics = features.Features.FragmentStoresAndAtomics,
            VertexPipelineStoresAndAtomics = features.Features.VertexPipelineStoresAndAtomics,
        };
    }

    private static DeviceMemoryType[] MemoryTypesOf(Vk vk, PhysicalDevice device, out IReadOnlyList<DeviceMemoryHeap> heaps)
    {
        var memory = new PhysicalDeviceMemoryProperties2(sType: StructureType.PhysicalDeviceMemoryProperties2);
        vk.GetPhysicalDeviceMemoryProperties2(device, &memory);
        PhysicalDeviceMemoryProperties properties = memory.MemoryProperties;
        var heapList = new DeviceMemoryHeap[properties.MemoryHeapCount];
        for (int i = 0; i < heapList.Length; i++)
            heapList[i] = new DeviceMemoryHeap(properties.MemoryHeaps[i].Size,
                properties.MemoryHeaps[i].Flags.HasFlag(MemoryHeapFlags.DeviceLocalBit));
        var types = new DeviceMemoryType[properties.MemoryTypeCount];
        for (int i = 0; i < types.Length; i++)
            types[i] = new DeviceMemoryType(TraitsOf(properties.MemoryTypes[i].PropertyFlags), (int)properties.MemoryTypes[i].HeapIndex);
        heaps = heapList;
        return types;
    }

    private static MemoryTraits TraitsOf(MemoryPropertyFlags flags)
    {
        const MemoryTraits known =
            MemoryTraits.DeviceLocal | MemoryTraits.HostVisible | MemoryTraits.HostCoherent | MemoryTraits.HostCached;
        const MemoryPropertyFlags restricted =
            MemoryPropertyFlags.LazilyAllocatedBit | MemoryPropertyFlags.ProtectedBit | MemoryPropertyFlags.DeviceCoherentBitAmd;
        return ((MemoryTraits)flags & known) | ((flags & restricted) != 0 ? MemoryTraits.Restricted : MemoryTraits.None);
    }

    private static QueueFamily[] QueueFamiliesOf(Vk vk, PhysicalDevice device)
    {
        const QueueTraits known = QueueTraits.Graphics | QueueTraits.Compute | QueueTraits.Transfer
            | QueueTraits.VideoDecode | QueueTraits.VideoEncode | QueueTraits.OpticalFlow;
        uint count = 0;
        vk.GetPhysicalDeviceQueueFamilyProperties(device, &count, null);
        QueueFamilyProperties* families = stackalloc QueueFamilyProperties[(int)count];
        vk.GetPhysicalDeviceQueueFamilyProperties(device, &count, families);
        var result = new QueueFamily[count];
        for (int i = 0; i < result.Length; i++)
            result[i] = new QueueFamily((QueueTraits)families[i].QueueFlags & known, (int)families[i].QueueCount,
                (int)families[i].TimestampValidBits);
        return result;
    }

    private static string[] ExtensionsOf(Vk vk, PhysicalDevice device)
    {
        uint count = 0;
        vk.EnumerateDeviceExtensionProperties(device, (byte*)null, &count, null).ThrowOnError("vkEnumerateDeviceExtensionProperties");
        var extensions = new ExtensionProperties[count];
        var names = new string[count];
        fixed (ExtensionProperties* p = extensions)
        {
            vk.EnumerateDeviceExtensionProperties(device, (byte*)null, &count, p).ThrowOnError("vkEnumerateDeviceExtensionProperties");
            for (int i = 0; i < names.Length; i++) names[i] = Utf8.ToString(p[i].ExtensionName);
        }
        return names;
    }
}
