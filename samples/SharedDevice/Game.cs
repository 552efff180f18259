using MixtralVk.Gpu;
using Silk.NET.Core.Native;
using Silk.NET.Vulkan;
using Buffer = Silk.NET.Vulkan.Buffer;

/// <summary>A game's own Vulkan: a device with one queue that renders, here with compute work, and a queue lent to the model.</summary>
internal sealed unsafe class Game : IDisposable
{
    private const uint Side = 512, Group = 8;

    private readonly Vk _vk = Vk.GetApi();
    private readonly Lock _queueLock = new();
    private readonly Instance _instance;
    private readonly PhysicalDevice _physicalDevice;
    private readonly DeviceRequirements _requirements;
    private readonly Device _device;
    private readonly Queue _queue;
    private readonly Buffer _pond;
    private readonly DeviceMemory _memory;
    private readonly DescriptorSetLayout _setLayout;
    private readonly DescriptorPool _descriptors;
    private readonly PipelineLayout _layout;
    private readonly Pipeline _pipeline;
    private readonly DescriptorSet _set;
    private readonly CommandPool _commands;
    private readonly CommandBuffer _frame;
    private readonly Fence _fence;
    private float _time;

    public Game()
    {
        var application = new ApplicationInfo(apiVersion: Vk.Version13);
        var info = new InstanceCreateInfo(pApplicationInfo: &application);
        Check(_vk.CreateInstance(&info, null, out _instance));
        _physicalDevice = _vk.GetPhysicalDevices(_instance).First();
        // What the model wants of the device that the game is about to make.
        _requirements = GpuDevice.Requirements(_instance.Handle, _physicalDevice.Handle);
        _device = CreateDevice();
        _vk.GetDeviceQueue(_device, 0, 0, out _queue);

        (_pond, _memory) = CreatePond();
        (_setLayout, _layout, _pipeline) = CreatePipeline();
        (_descriptors, _set) = CreateDescriptors();
        var pool = new CommandPoolCreateInfo(flags: CommandPoolCreateFlags.ResetCommandBufferBit, queueFamilyIndex: 0);
        Check(_vk.CreateCommandPool(_device, &pool, null, out _commands));
        var commands = new CommandBufferAllocateInfo(commandPool: _commands, level: CommandBufferLevel.Primary, commandBufferCount: 1);
        Check(_vk.AllocateCommandBuffers(_device, &commands, out _frame));
        var fence = new FenceCreateInfo(sType: StructureType.FenceCreateInfo);
        Check(_vk.CreateFence(_device, &fence, null, out _fence));
    }

    /// <summary>The device as the model gets it: with a queue of its own, or with the game's under the game's lock.</summary>
    public HostDevice Lend()
    {
        _vk.GetDeviceQueue(_device, (uint)_requirements.QueueFamily, (uint)_requirements.QueueIndex, out Queue lent);
        return new HostDevice
        {
            Instance = _instance.Handle,
            PhysicalDevice = _physicalDevice.Handle,
            Device = _device.Handle,
            Queue = lent.Handle,
            QueueFamily = _requirements.QueueFamily,
            EnabledFeatures = ["timelineSemaphore", "synchronization2", "maintenance4", "subgroupSizeControl"],
            EnabledExtensions = _requirements.Extensions,
            SubmitLock = _requirements.QueueIsShared ? submit => { lock (_queueLock) submit(); } : null,
        };
    }

    /// <summary>Computes a frame and waits for it, as a game does before it shows one.</summary>
    public void Frame()
    {
        _time += 1 / 60f;
        float time = _time;
        DescriptorSet set = _set;
        var begin = new CommandBufferBeginInfo(flags: CommandBufferUsageFlags.OneTimeSubmitBit);
        Check(_vk.BeginCommandBuffer(_frame, &begin));
        _vk.CmdBindPipeline(_frame, PipelineBindPoint.Compute, _pipeline);
        _vk.CmdBindDescriptorSets(_frame, PipelineBindPoint.Compute, _layout, 0, 1, &set, 0, null);
        _vk.CmdPushConstants(_frame, _layout, ShaderStageFlags.ComputeBit, 0, sizeof(float), &time);
        _vk.CmdDispatch(_frame, Side / Group, Side / Group, 1);
        Check(_vk.EndCommandBuffer(_frame));
        CommandBuffer frame = _frame;
        Fence fence = _fence;
        var submit = new SubmitInfo(commandBufferCount: 1, pCommandBuffers: &frame);
        lock (_queueLock) Check(_vk.QueueSubmit(_queue, 1, &submit, fence));
        Check(_vk.WaitForFences(_device, 1, &fence, true, ulong.MaxValue));
        Check(_vk.ResetFences(_device, 1, &fence));
    }

    public void Dispose()
    {
        _vk.DestroyFence(_device, _fence, null);
        _vk.DestroyCommandPool(_device, _commands, null);
        _vk.DestroyDescriptorPool(_device, _descriptors, null);
        _vk.DestroyPipeline(_device, _pipeline, null);
        _vk.DestroyPipelineLayout(_device, _layout, null);
        _vk.DestroyDescriptorSetLayout(_device, _setLayout, null);
        _vk.DestroyBuffer(_device, _pond, null);
        _vk.FreeMemory(_device, _memory, null);
        _vk.DestroyDevice(_device, null);
        _vk.DestroyInstance(_instance, null);
        _vk.Dispose();
    }

    /// <summary>
    /// The game renders on queue 0 of family 0; the model's queue stands beside it where there is one, with the least priority.
    /// </summary>
    private Device CreateDevice()
    {
        bool sameFamily = _requirements.QueueFamily == 0;
        float* priorities = stackalloc float[] { 1, 0 };
        var low = new DeviceQueueGlobalPriorityCreateInfoKHR(globalPriority: QueueGlobalPriority.Low);
        DeviceQueueCreateInfo* queues = stackalloc DeviceQueueCreateInfo[]
        {
            new DeviceQueueCreateInfo(queueFamilyIndex: 0, queueCount: sameFamily ? 1 + (uint)_requirements.QueueIndex : 1,
                pQueuePriorities: priorities),
            new DeviceQueueCreateInfo(pNext: _requirements.GlobalPriority is null ? null : &low,
                queueFamilyIndex: (uint)_requirements.QueueFamily, queueCount: 1,
                pQueuePriorities: priorities + 1),
        };
        var features13 = new PhysicalDeviceVulkan13Features(synchronization2: true, maintenance4: true, subgroupSizeControl: true);
        var features12 = new PhysicalDeviceVulkan12Features(pNext: &features13, timelineSemaphore: true);
        nint extensions = SilkMarshal.StringArrayToPtr([.. _requirements.Extensions]);
        var info = new DeviceCreateInfo(pNext: &features12, queueCreateInfoCount: sameFamily ? 1u : 2u, pQueueCreateInfos: queues,
            enabledExtensionCount: (uint)_requirements.Extensions.Count, ppEnabledExtensionNames: (byte**)extensions);
        Check(_vk.CreateDevice(_physicalDevice, &info, null, out Device device));
        SilkMarshal.Free(extensions);
        return device;
    }

    private (Buffer, DeviceMemory) CreatePond()
    {
        var info = new BufferCreateInfo(size: Side * Side * sizeof(float), usage: BufferUsageFlags.StorageBufferBit,
            sharingMode: SharingMode.Exclusive);
        Check(_vk.CreateBuffer(_device, &info, null, out Buffer pond));
        _vk.GetBufferMemoryRequirements(_device, pond, out MemoryRequirements needs);
        var allocate = new MemoryAllocateInfo(allocationSize: needs.Size,
            memoryTypeIndex: (uint)System.Numerics.BitOperations.TrailingZeroCount(needs.MemoryTypeBits));
        Check(_vk.AllocateMemory(_device, &allocate, null, out DeviceMemory memory));
        Check(_vk.BindBufferMemory(_device, pond, memory, 0));
        return (pond, memory);
    }

    private (DescriptorSetLayout, PipelineLayout, Pipeline) CreatePipeline()
    {
        var binding = new DescriptorSetLayoutBinding(0, DescriptorType.StorageBuffer, 1, ShaderStageFlags.ComputeBit);
        var setInfo = new DescriptorSetLayoutCreateInfo(bindingCount: 1, pBindings: &binding);
        Check(_vk.CreateDescriptorSetLayout(_device, &setInfo, null, out DescriptorSetLayout setLayout));
        var push = new PushConstantRange(ShaderStageFlags.ComputeBit, 0, sizeof(float));
        var layoutInfo =
            new PipelineLayoutCreateInfo(setLayoutCount: 1, pSetLayouts: &setLayout, pushConstantRangeCount: 1, pPushConstantRanges: &push);
        Check(_vk.CreatePipelineLayout(_device, &layoutInfo, null, out PipelineLayout layout));
        using Stream resource = typeof(Game).Assembly.GetManifestResourceStream("ripples")!;
        byte[] code = new byte[resource.Length];
        resource.ReadExactly(code);
        ShaderModule module;
        fixed (byte* words = code)
        {
            var shader = new ShaderModuleCreateInfo(codeSize: (nuint)code.Length, pCode: (uint*)words);
            Check(_vk.CreateShaderModule(_device, &shader, null, &module));
        }
        nint main = SilkMarshal.StringToPtr("main");
        var stage = new PipelineShaderStageCreateInfo(stage: ShaderStageFlags.ComputeBit, module: module, pName: (byte*)main);
        var info = new ComputePipelineCreateInfo(stage: stage, layout: layout);
        Check(_vk.CreateComputePipelines(_device, default, 1, &info, null, out Pipeline pipeline));
        SilkMarshal.Free(main);
        _vk.DestroyShaderModule(_device, module, null);
        return (setLayout, layout, pipeline);
    }

    private (DescriptorPool, DescriptorSet) CreateDescriptors()
    {
        var size = new DescriptorPoolSize(DescriptorType.StorageBuffer, 1);
        var poolInfo = new DescriptorPoolCreateInfo(maxSets: 1, poolSizeCount: 1, pPoolSizes: &size);
        Check(_vk.CreateDescriptorPool(_device, &poolInfo, null, out DescriptorPool pool));
        DescriptorSetLayout setLayout = _setLayout;
        var allocate = new DescriptorSetAllocateInfo(descriptorPool: pool, descriptorSetCount: 1, pSetLayouts: &setLayout);
        Check(_vk.AllocateDescriptorSets(_device, &allocate, out DescriptorSet set));
        var pond = new DescriptorBufferInfo(_pond, 0, Vk.WholeSize);
        var write = new WriteDescriptorSet(dstSet: set, descriptorCount: 1, descriptorType: DescriptorType.StorageBuffer,
            pBufferInfo: &pond);
        _vk.UpdateDescriptorSets(_device, 1, &write, 0, null);
        return (pool, set);
    }

    private static void Check(Result result)
    {
        if (result != Result.Success) throw new InvalidOperationException($"Vulkan: {result}");
    }
}
