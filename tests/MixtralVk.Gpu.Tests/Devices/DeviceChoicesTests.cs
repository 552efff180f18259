namespace MixtralVk.Gpu.Tests.Devices;

/// <summary>The choice functions on every recorded device.</summary>
public sealed class DeviceChoicesTests
{
    private const long MiB = 1 << 20;
    private const long GiB = 1 << 30;

    public static TheoryData<string> Devices => [.. RecordedDevice.Names];

    /// <summary>One line a device: memory types for device, upload, read-back and parameters, the queue family, writing directly.</summary>
    public static TheoryData<string, int[], int, bool> Expected => new()
    {
        // System memory without flags comes first and is never right; the 246 MiB window is left to others.
        { "nvidia-rtx-3060", [1, 2, 3, 2], 2, false },
        { "amd-rx-580-small-bar", [0, 1, 3, 1], 1, false },
        // All of the card's memory is host-visible, and still large buffers stay out of the mapping.
        { "amd-rx-6800-full-bar", [0, 1, 3, 2], 1, false },
        // The same memory types, but the memory is the host's: the mappable one spares the copy.
        { "amd-radeon-680m", [2, 1, 3, 2], 1, true },
        // Type 1 is protected memory.
        { "intel-iris-xe", [0, 0, 0, 0], 0, true },
        // Its only system memory is cached.
        { "intel-arc-a770", [0, 1, 1, 2], 1, false },
        { "lavapipe", [0, 0, 0, 0], 0, true },
        { "swiftshader", [0, 0, 0, 0], 0, true },
    };

    [Theory, MemberData(nameof(Expected))]
    public void Memory_types_queue_family_and_direct_writes(string name, int[] memoryTypes, int queueFamily, bool direct)
    {
        DeviceDescription device = RecordedDevice.Describe(name);
        BufferUse[] uses = [BufferUse.Device, BufferUse.Upload, BufferUse.ReadBack, BufferUse.Parameters];
        Assert.Equal(memoryTypes, uses.Select(use => DeviceChoices.MemoryTypeFor(device, use)));
        Assert.Equal(queueFamily, DeviceChoices.ComputeQueueFamily(device));
        Assert.Equal(direct, DeviceChoices.WritesDeviceMemoryDirectly(device));
    }

    /// <summary>
    /// The queue to borrow from a host: family, index, shared with its rendering, and the extension that puts it behind all programs.
    /// </summary>
    public static TheoryData<string, int, int, bool, string?> QueuesBesideHost => new()
    {
        { "nvidia-rtx-3060", 2, 0, false, "VK_KHR_global_priority" },
        { "amd-rx-580-small-bar", 1, 0, false, "VK_KHR_global_priority" },
        { "intel-arc-a770", 1, 0, false, "VK_KHR_global_priority" },
        // One family with one queue: the host's own, whose priority is the host's.
        { "intel-iris-xe", 0, 0, true, null },
        { "lavapipe", 0, 0, true, null },
    };

    [Theory, MemberData(nameof(QueuesBesideHost))]
    public void A_host_lends_a_queue_of_its_own_family_or_its_second_or_shares_its_only_one(string name, int family, int index,
        bool isShared, string? priority)
    {
        DeviceDescription device = RecordedDevice.Describe(name);
        Assert.Equal(new QueueChoice(family, index, isShared, priority), DeviceChoices.QueueBesideHost(device));
        // Without its compute family the NVIDIA card lends the second of its 16 queues that can all.
        DeviceDescription graphicsOnly = device with { QueueFamilies = [.. device.QueueFamilies.Take(1)] };
        bool hasSecond = graphicsOnly.QueueFamilies[0].Count > 1;
        Assert.Equal(new QueueChoice(0, hasSecond ? 1 : 0, !hasSecond, null), DeviceChoices.QueueBesideHost(graphicsOnly));
    }

    /// <summary>The family that weights are copied by: one that does nothing else, not even for videos.</summary>
    [Theory]
    [InlineData("nvidia-rtx-3060", 1)]
    [InlineData("amd-rx-580-small-bar", null)] // RADV keeps its own to itself
    [InlineData("amd-rx-6800-full-bar", null)]
    [InlineData("intel-arc-a770", null)]
    [InlineData("intel-iris-xe", null)]
    [InlineData("lavapipe", null)]
    public void Weights_are_copied_by_a_family_that_does_nothing_else(string name, int? family)
    {
        DeviceDescription device = RecordedDevice.Describe(name);
        Assert.Equal(family, DeviceChoices.TransferQueueFamily(device));
        QueueFamily[] own = [.. device.QueueFamilies.Take(1)];
        Assert.Null(DeviceChoices.TransferQueueFamily(device with { QueueFamilies = own }));
        // Videos have families that copy, too, and a family may be empty.
        DeviceDescription other = device with { QueueFamilies = [.. own, new QueueFamily(QueueTraits.Compute | QueueTraits.Transfer, 8, 64),
            new QueueFamily(QueueTraits.Transfer | QueueTraits.VideoDecode, 1, 0), new QueueFamily(QueueTraits.Transfer, 0, 64),
            new QueueFamily(QueueTraits.Transfer, 2, 64)] };
        Assert.Equal(4, DeviceChoices.TransferQueueFamily(other));
        Assert.Equal(other.QueueFamilies, DeviceDescription.FromJson(other.ToJson()).QueueFamilies);
    }

    [Fact]
    public void A_global_priority_is_asked_for_by_either_name_where_it_is_there()
    {
        DeviceDescription device = RecordedDevice.Describe("intel-iris-xe");
        Assert.Equal("VK_KHR_global_priority", DeviceChoices.GlobalPriorityExtension(device));
        Assert.Equal("VK_EXT_global_priority",
            DeviceChoices.GlobalPriorityExtension(device with { Extensions = ["VK_EXT_global_priority"] }));
        Assert.Null(DeviceChoices.GlobalPriorityExtension(RecordedDevice.Describe("lavapipe")));
    }

    [Fact]
    public void Every_recorded_device_has_an_expectation() =>
        Assert.Equal(RecordedDevice.Names, Expected.Select(row => (string)row[0]).Order());

    [Theory, MemberData(nameof(Devices))]
    public void Every_recorded_device_runs_the_engine(string name) => Assert.Empty(DeviceChoices.Missing(RecordedDevice.Describe(name)));

    [Theory, MemberData(nameof(Devices))]
    public void Any_mask_of_allowed_types_gives_a_usable_one_or_says_there_is_none(string name)
    {
        DeviceDescription device = RecordedDevice.Describe(name);
        foreach (BufferUse use in Enum.GetValues<BufferUse>())
        {
            for (uint allowed = 0; allowed < 1u << device.MemoryTypes.Count; allowed++)
            {
                int[] usable = Enumerable.Range(0, device.MemoryTypes.Count)
                    .Where(i => IsUsable(device.MemoryTypes[i].Traits, use) && (allowed >> i & 1) != 0).ToArray();
                if (usable.Length == 0)
                {
                    Assert.Throws<GpuUnsupportedException>(() => DeviceChoices.MemoryTypeFor(device, use, allowed));
                }
                else
                {
                    Assert.Contains(DeviceChoices.MemoryTypeFor(device, use, allowed), usable);
                }
            }
        }
    }

    [Fact]
    public void Without_its_first_choice_a_use_takes_the_next_best()
    {
        DeviceDescription device = RecordedDevice.Describe("amd-rx-580-small-bar");
        Assert.Equal(1, DeviceChoices.MemoryTypeFor(device, BufferUse.Parameters, allowedTypes: 0b1010));
        Assert.Equal(3, DeviceChoices.MemoryTypeFor(device, BufferUse.ReadBack, allowedTypes: 0b1110));
    }

    [Theory]
    [InlineData("nvidia-rtx-3060", 12 * GiB)]
    [InlineData("amd-rx-580-small-bar", (8 * GiB) - (256 * MiB))]
    [InlineData("amd-rx-6800-full-bar", 16 * GiB)]
    [InlineData("amd-radeon-680m", 10 * GiB)]
    [InlineData("intel-iris-xe", (12 * GiB) - (256 * MiB))]
    [InlineData("intel-arc-a770", (16 * GiB) - (16 * MiB))]
    public void Default_budget_is_four_fifths_of_the_heap_of_device_buffers(string name, long heap)
    {
        long budget = DeviceChoices.DefaultBudget(RecordedDevice.Describe(name));
        Assert.InRange(budget, (long)(heap * 0.8) - 8, (long)(heap * 0.8));
    }

    [Theory]
    [InlineData("lavapipe")]
    [InlineData("swiftshader")]
    public void Software_drivers_may_take_what_the_machine_has(string name)
    {
        long machine = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        long budget = DeviceChoices.DefaultBudget(RecordedDevice.Describe(name));
        Assert.InRange(budget, Math.Max(2 * GiB, machine) / 10 * 7, Math.Max(2 * GiB, machine));
    }

    [Theory]
    [InlineData("nvidia-rtx-3060", 1, 256 * MiB)]
    [InlineData("nvidia-rtx-3060", 4, 32 * MiB)]
    [InlineData("amd-rx-580-small-bar", 2, 32 * MiB)]
    [InlineData("lavapipe", 0, 256 * MiB)]
    public void Blocks_are_an_eighth_of_their_heap_within_bounds(string name, int memoryType, long size) =>
        Assert.Equal((ulong)size, DeviceChoices.BlockSize(RecordedDevice.Describe(name), memoryType, BufferUse.Device));

    [Theory, MemberData(nameof(Devices))]
    public void Blocks_respect_what_the_device_allocates_at_once(string name)
    {
        DeviceDescription device = RecordedDevice.Describe(name);
        DeviceDescription tight = device with { Limits = device.Limits with { MaxAllocationSize = 8 << 20, MaxBufferSize = 4 << 20 } };
        Assert.Equal(4ul << 20, DeviceChoices.BlockSize(tight, DeviceChoices.MemoryTypeFor(device, BufferUse.Device), BufferUse.Device));
    }

    [Theory]
    [InlineData("nvidia-rtx-3060", "lavapipe", "intel-iris-xe", "nvidia-rtx-3060")]
    [InlineData("amd-rx-6800-full-bar", "nvidia-rtx-3060", "amd-rx-6800-full-bar", "amd-radeon-680m")]
    [InlineData("intel-arc-a770", "intel-arc-a770", "intel-iris-xe")]
    [InlineData("intel-iris-xe", "swiftshader", "intel-iris-xe", "lavapipe")]
    [InlineData(null, "lavapipe", "swiftshader")]
    [InlineData(null)]
    public void Best_device_is_the_largest_discrete_one_then_an_integrated_one_never_a_software_one(string? best, params string[] names)
    {
        DeviceDescription[] devices = names.Select(RecordedDevice.Describe).ToArray();
        Assert.Equal(Array.IndexOf(names, best), DeviceChoices.BestGpu(devices));
    }

    [Fact]
    public void Best_device_can_run_the_engine()
    {
        DeviceDescription old = RecordedDevice.Describe("nvidia-rtx-3060") with { ApiVersion = new Version(1, 2, 175) };
        Assert.Equal(1, DeviceChoices.BestGpu([old, RecordedDevice.Describe("intel-iris-xe")]));
        Assert.Equal(-1, DeviceChoices.BestGpu([old]));
    }

    [Fact]
    public void What_a_device_lacks_is_named()
    {
        DeviceDescription device = RecordedDevice.Describe("lavapipe");
        DeviceFeatures none = device.Features with { TimelineSemaphore = false, Synchronization2 = false, Maintenance4 = false,
            SubgroupSizeControl = false, SubgroupShuffle = false, SubgroupBallot = false };
        DeviceDescription lacking = device with
        {
            ApiVersion = new Version(1, 1, 130),
            Features = none,
            QueueFamilies =
                [new QueueFamily(QueueTraits.Graphics | QueueTraits.Transfer, 1, 64), new QueueFamily(QueueTraits.Compute, 0, 64)],
            MemoryTypes = [new DeviceMemoryType(MemoryTraits.DeviceLocal, 0)],
        };
        Assert.Equal(
            ["Vulkan 1.3 (it has 1.1)", "timelineSemaphore", "synchronization2", "maintenance4", "subgroupSizeControl",
            "subgroup shuffles", "subgroup ballots", "a compute queue", "host-visible memory"],
            DeviceChoices.Missing(lacking));
        Assert.Throws<GpuUnsupportedException>(() => DeviceChoices.ComputeQueueFamily(lacking));
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clamped_limits_are_those_of_the_weaker_side(string name)
    {
        DeviceLimits device = RecordedDevice.Describe(name).Limits;
        DeviceLimits clamped = device.ClampTo(DeviceLimits.SpecificationMinimum);
        DeviceLimits minimum = DeviceLimits.SpecificationMinimum with
        {
            SubgroupSize = device.SubgroupSize,
            MinSubgroupSize = device.MinSubgroupSize,
            MaxSubgroupSize = device.MaxSubgroupSize,
            TimestampPeriod = device.TimestampPeriod,
        };
        Assert.Equal(minimum, clamped);
        Assert.Equal(device, device.ClampTo(device));
    }

    private static bool IsUsable(MemoryTraits traits, BufferUse use) =>
        !traits.HasFlag(MemoryTraits.Restricted) && (use == BufferUse.Device || traits.HasFlag(MemoryTraits.HostVisible));
}
