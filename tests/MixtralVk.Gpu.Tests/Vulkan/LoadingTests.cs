using System.Text;
using Silk.NET.Core;
using Silk.NET.Vulkan;
using Silk.NET.Vulkan.Extensions.EXT;
using Silk.NET.Vulkan.Extensions.KHR;

namespace MixtralVk.Gpu.Tests.Vulkan;

public sealed unsafe class LoadingTests
{
    [Fact]
    public void Instance_lists_devices_with_names_and_a_compute_queue()
    {
        using var vk = Vk.GetApi();
        Instance instance = CreateInstance(vk, []);
        PhysicalDevice[] devices = EnumerateDevices(vk, instance);

        Assert.NotEmpty(devices);
        foreach (PhysicalDevice device in devices)
        {
            var subgroup = new PhysicalDeviceVulkan11Properties(pNext: null);
            var properties = new PhysicalDeviceProperties2(pNext: &subgroup);
            vk.GetPhysicalDeviceProperties2(device, &properties);
            Assert.NotEqual(0, properties.Properties.DeviceName[0]);
            Assert.True(properties.Properties.ApiVersion >= Vk.Version11);
            Assert.InRange(subgroup.SubgroupSize, 1u, 128u);

            QueueFamilyProperties[] families = QueueFamilies(vk, device);
            Assert.Contains(families, f => f.QueueFlags.HasFlag(QueueFlags.ComputeBit));
        }

        vk.DestroyInstance(instance, null);
    }

    [Fact]
    public void Memory_types_point_into_the_heaps()
    {
        using var vk = Vk.GetApi();
        Instance instance = CreateInstance(vk, []);
        foreach (PhysicalDevice device in EnumerateDevices(vk, instance))
        {
            var memory = new PhysicalDeviceMemoryProperties2(pNext: null);
            vk.GetPhysicalDeviceMemoryProperties2(device, &memory);
            Assert.InRange(memory.MemoryProperties.MemoryTypeCount, 1u, Vk.MaxMemoryTypes);
            Assert.InRange(memory.MemoryProperties.MemoryHeapCount, 1u, Vk.MaxMemoryHeaps);
            for (int i = 0; i < memory.MemoryProperties.MemoryTypeCount; i++)
            {
                MemoryType type = memory.MemoryProperties.MemoryTypes[i];
                Assert.InRange(type.HeapIndex, 0u, memory.MemoryProperties.MemoryHeapCount - 1);
                Assert.True(memory.MemoryProperties.MemoryHeaps[(int)type.HeapIndex].Size > 0);
            }
        }

        vk.DestroyInstance(instance, null);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Buffer_memory_is_mapped_through_device_and_loader_dispatch(bool throughDevice)
    {
        using var vk = Vk.GetApi();
        Instance instance = CreateInstance(vk, []);
        PhysicalDevice physicalDevice = EnumerateDevices(vk, instance)[0];
        float priority = 1;
        var queueInfo = new DeviceQueueCreateInfo(queueFamilyIndex: 0, queueCount: 1, pQueuePriorities: &priority);
        var deviceInfo = new DeviceCreateInfo(queueCreateInfoCount: 1, pQueueCreateInfos: &queueInfo);
        Device device;
        Assert.Equal(Result.Success, vk.CreateDevice(physicalDevice, &deviceInfo, null, &device));
        if (throughDevice)
        {
            vk.CurrentDevice = device;
        }

        var allocateInfo = new MemoryAllocateInfo(allocationSize: 4096, memoryTypeIndex: HostVisibleType(vk, physicalDevice));
        DeviceMemory memory;
        Assert.Equal(Result.Success, vk.AllocateMemory(device, &allocateInfo, null, &memory));
        uint* mapped;
        Assert.Equal(Result.Success, vk.MapMemory(device, memory, 0, Vk.WholeSize, 0, (void**)&mapped));
        mapped[1023] = 0xC0FFEE;
        Assert.Equal(0xC0FFEEu, mapped[1023]);
        vk.UnmapMemory(device, memory);
        vk.FreeMemory(device, memory, null);

        Assert.False(vk.TryGetDeviceExtension(instance, device, out KhrPipelineExecutableProperties? _));
        vk.DestroyDevice(device, null);
        vk.DestroyInstance(instance, null);
    }

    [Fact]
    public void Debug_utils_is_there_only_where_the_instance_enables_it()
    {
        using var vk = Vk.GetApi();
        Instance plain = CreateInstance(vk, []);
        Assert.False(vk.TryGetInstanceExtension(plain, out ExtDebugUtils? _));
        vk.DestroyInstance(plain, null);

        Instance debug = CreateInstance(vk, Encoding.UTF8.GetBytes(ExtDebugUtils.ExtensionName + "\0"));
        Assert.True(vk.TryGetInstanceExtension(debug, out ExtDebugUtils? _));
        vk.DestroyInstance(debug, null);
    }

    [Fact]
    public void Versions_unpack_as_the_specification_packs_them()
    {
        Assert.Equal(0x00403000u, Vk.Version13.Value);
        var version = (Version32)Vk.MakeVersion(1, 3, 239).Value;
        Assert.Equal((1u, 3u, 239u), (version.Major, version.Minor, version.Patch));
    }

    [Fact]
    public void Missing_loader_is_a_FileNotFoundException_with_the_names_tried()
    {
        var exception = Assert.Throws<FileNotFoundException>(() => VulkanLibrary.Open(["libno-such-vulkan.so.1", "no-such-vulkan-1.dll"]));
        Assert.Contains("libno-such-vulkan.so.1, no-such-vulkan-1.dll", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Calls_allocate_nothing()
    {
        using var vk = Vk.GetApi();
        Instance instance = CreateInstance(vk, []);
        PhysicalDevice device = EnumerateDevices(vk, instance)[0];
        PhysicalDeviceMemoryProperties memory;
        vk.GetPhysicalDeviceMemoryProperties(device, &memory);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            vk.GetPhysicalDeviceMemoryProperties(device, &memory);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        vk.DestroyInstance(instance, null);
    }

    private static Instance CreateInstance(Vk vk, byte[] extension)
    {
        var application = new ApplicationInfo(apiVersion: Vk.Version13);
        fixed (byte* pExtension = extension)
        {
            byte* name = pExtension;
            var info = new InstanceCreateInfo(pApplicationInfo: &application, enabledExtensionCount: extension.Length > 0 ? 1u : 0,
                ppEnabledExtensionNames: &name);
            Instance instance;
            Assert.Equal(Result.Success, vk.CreateInstance(&info, null, &instance));
            vk.CurrentInstance = instance;
            return instance;
        }
    }

    private static PhysicalDevice[] EnumerateDevices(Vk vk, Instance instance)
    {
        uint count = 0;
        Assert.Equal(Result.Success, vk.EnumeratePhysicalDevices(instance, &count, null));
        var devices = new PhysicalDevice[count];
        fixed (PhysicalDevice* pDevices = devices)
        {
            Assert.Equal(Result.Success, vk.EnumeratePhysicalDevices(instance, &count, pDevices));
        }

        return devices;
    }

    private static QueueFamilyProperties[] QueueFamilies(Vk vk, PhysicalDevice device)
    {
        uint count = 0;
        vk.GetPhysicalDeviceQueueFamilyProperties(device, &count, null);
        var families = new QueueFamilyProperties[count];
        fixed (QueueFamilyProperties* pFamilies = families)
        {
            vk.GetPhysicalDeviceQueueFamilyProperties(device, &count, pFamilies);
        }

        return families;
    }

    private static uint HostVisibleType(Vk vk, PhysicalDevice device)
    {
        PhysicalDeviceMemoryProperties memory;
        vk.GetPhysicalDeviceMemoryProperties(device, &memory);
        uint type = 0;
        while (!memory.MemoryTypes[(int)type].PropertyFlags.HasFlag(MemoryPropertyFlags.HostVisibleBit))
        {
            type++;
        }

        return type;
    }
}
