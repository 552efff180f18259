using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>
/// Recorded stages, one command buffer each, with the descriptor sets they use. Submit any run of stages as often as needed; dispose it
/// when its last submission has finished. The same stage must not be in flight twice.
/// </summary>
public sealed unsafe class Recording : IDisposable
{
    private readonly GpuDevice _device;
    private readonly CommandPool _commandPool;
    private readonly DescriptorPool _descriptorPool;
    private readonly CommandBuffer[] _commandBuffers;
    private readonly TexelViews _texelViews;
    private bool _disposed;

    internal Recording(GpuDevice device, int queueFamily, string name, IReadOnlyList<RecordedStage> stages)
    {
        _device = device;
        QueueFamily = queueFamily;
        Name = name;
        Stages = stages;
        _commandBuffers = new CommandBuffer[stages.Count];
        _texelViews = new TexelViews(device);
        try
        {
            _descriptorPool = CreateDescriptorPool();
            _commandPool = CreateCommandPool();
            for (int i = 0; i < stages.Count; i++) Record(stages[i], _commandBuffers[i]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Name for captures and error messages.</summary>
    public string Name { get; }

    /// <summary>Number of stages.</summary>
    public int StageCount => Stages.Count;

    /// <summary>Dispatches of all stages.</summary>
    public int DispatchCount => Stages.Sum(s => s.Commands.OfType<DispatchCommand>().Count());

    /// <summary>The dispatches among them whose size is decided on the device.</summary>
    public int IndirectDispatchCount => Stages.Sum(s => s.Commands.OfType<DispatchCommand>().Count(d => d.Indirect is not null));

    /// <summary>Copies and fills of all stages.</summary>
    public int CopyCount => Stages.Sum(s => s.Commands.Count(c => c is CopyCommand or FillCommand));

    /// <summary>Barriers of all stages.</summary>
    public int BarrierCount => Stages.Sum(s => s.Commands.OfType<BarrierCommand>().Count());

    internal IReadOnlyList<RecordedStage> Stages { get; }

    /// <summary>The family of the queues it may be submitted to.</summary>
    internal int QueueFamily { get; }

    internal CommandBuffer CommandBuffer(int stage)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _commandBuffers[stage];
    }

    private DescriptorPool CreateDescriptorPool()
    {
        var dispatches = Stages.SelectMany(s => s.Commands).OfType<DispatchCommand>().ToList();
        if (dispatches.Count == 0) return default;
        DescriptorPoolSize[] sizes = [.. dispatches.SelectMany(d => d.Buffers).GroupBy(b => b.Kind.ToDescriptorType())
            .Select(g => new DescriptorPoolSize(g.Key, (uint)g.Count()))];
        fixed (DescriptorPoolSize* pool = sizes) return CreateDescriptorPool((uint)dispatches.Count, pool, (uint)sizes.Length);
    }

    private DescriptorPool CreateDescriptorPool(uint sets, DescriptorPoolSize* sizes, uint sizeCount)
    {
        var info = new DescriptorPoolCreateInfo(maxSets: sets, poolSizeCount: sizeCount, pPoolSizes: sizes);
        DescriptorPool pool;
        _device.Vk.CreateDescriptorPool(_device.Handle, &info, null, &pool).ThrowOnError("vkCreateDescriptorPool");
        _device.Names.Set(ObjectType.DescriptorPool, pool.Handle, Name);
        return pool;
    }

    private CommandPool CreateCommandPool()
    {
        var info = new CommandPoolCreateInfo(queueFamilyIndex: (uint)QueueFamily);
        CommandPool pool;
        _device.Vk.CreateCommandPool(_device.Handle, &info, null, &pool).ThrowOnError("vkCreateCommandPool");
        _device.Names.Set(ObjectType.CommandPool, pool.Handle, Name);
        if (_commandBuffers.Length == 0) return pool;
        var allocate = new CommandBufferAllocateInfo(commandPool: pool, level: CommandBufferLevel.Primary,
            commandBufferCount: (uint)_commandBuffers.Length);
        fixed (CommandBuffer* buffers = _commandBuffers)
        {
            Result result = _device.Vk.AllocateCommandBuffers(_device.Handle, &allocate, buffers);
            if (result < 0) _device.Vk.DestroyCommandPool(_device.Handle, pool, null);
            result.ThrowOnError("vkAllocateCommandBuffers");
        }
        return pool;
    }

    private void Record(RecordedStage stage, CommandBuffer commandBuffer)
    {
        Vk vk = _device.Vk;
        _device.Names.Set(ObjectType.CommandBuffer, (ulong)commandBuffer.Handle, $"{Name}/{stage.Name}");
        var begin = new CommandBufferBeginInfo(sType: StructureType.CommandBufferBeginInfo);
        vk.BeginCommandBuffer(commandBuffer, &begin).ThrowOnError("vkBeginCommandBuffer");
        foreach (Command command in stage.Commands)
        {
            switch (command)
            {
                case DispatchCommand dispatch: Record(dispatch, stage, commandBuffer); break;
                case BarrierCommand barrier: Record(barrier, commandBuffer); break;
                case TimestampCommand timestamp: Record(timestamp, commandBuffer); break;
                case CopyCommand copy:
                    var region = new BufferCopy(Absolute(copy.Source), Absolute(copy.Destination), copy.Source.Length);
                    vk.CmdCopyBuffer(commandBuffer, copy.Source.Buffer.Block.Buffer, copy.Destination.Buffer.Block.Buffer, 1, &region);
                    break;
                case FillCommand fill:
                    vk.CmdFillBuffer(commandBuffer, fill.Destination.Buffer.Block.Buffer, Absolute(fill.Destination),
                        fill.Destination.Length, fill.Value);
                    break;
            }
        }
        vk.EndCommandBuffer(commandBuffer).ThrowOnError("vkEndCommandBuffer");
    }

    private void Record(DispatchCommand dispatch, RecordedStage stage, CommandBuffer commandBuffer)
    {
        Vk vk = _device.Vk;
        ComputePipeline pipeline = _device.Pipelines.Get(dispatch.Pipeline);
        DescriptorSet set = AllocateSet(pipeline, dispatch.Buffers);
        _device.Names.Begin(commandBuffer, $"{stage.Name}: {dispatch.Pipeline}");
        vk.CmdBindPipeline(commandBuffer, PipelineBindPoint.Compute, pipeline.Handle);
        vk.CmdBindDescriptorSets(commandBuffer, PipelineBindPoint.Compute, pipeline.Layout, 0, 1, &set, 0, null);
        fixed (uint* push = dispatch.Push)
            if (dispatch.Push.Length > 0)
                vk.CmdPushConstants(commandBuffer, pipeline.Layout, ShaderStageFlags.ComputeBit, 0, (uint)dispatch.Push.Length * 4, push);
        if (dispatch.Indirect is { } arguments) vk.CmdDispatchIndirect(commandBuffer, arguments.Buffer.Block.Buffer, Absolute(arguments));
        else vk.CmdDispatch(commandBuffer, dispatch.Size.X, dispatch.Size.Y, dispatch.Size.Z);
        _device.Names.End(commandBuffer);
    }

    private void Record(TimestampCommand timestamp, CommandBuffer commandBuffer)
    {
        GpuTimer timer = timestamp.Timer;
        _device.Vk.CmdResetQueryPool(commandBuffer, timer.Pool, (uint)timestamp.Index, 1);
        _device.Vk.CmdWriteTimestamp2(commandBuffer, PipelineStageFlags2.AllCommandsBit, timer.Pool, (uint)timestamp.Index);
    }

    private void Record(BarrierCommand barrier, CommandBuffer commandBuffer)
    {
        var memory = new MemoryBarrier2(srcStageMask: BarrierCommand.StagesOf(barrier.From),
            srcAccessMask: BarrierCommand.AccessesOf(barrier.From),
            dstStageMask: BarrierCommand.StagesOf(barrier.To), dstAccessMask: BarrierCommand.AccessesOf(barrier.To));
        var dependency = new DependencyInfo(memoryBarrierCount: 1, pMemoryBarriers: &memory);
        _device.Vk.CmdPipelineBarrier2(commandBuffer, &dependency);
    }

    private DescriptorSet AllocateSet(ComputePipeline pipeline, IReadOnlyList<NamedBuffer> buffers)
    {
        DescriptorSetLayout layout = pipeline.SetLayout;
        var allocate = new DescriptorSetAllocateInfo(descriptorPool: _descriptorPool, descriptorSetCount: 1, pSetLayouts: &layout);
        DescriptorSet set;
        _device.Vk.AllocateDescriptorSets(_device.Handle, &allocate, &set).ThrowOnError("vkAllocateDescriptorSets");
        DescriptorBufferInfo* infos = stackalloc DescriptorBufferInfo[buffers.Count];
        Silk.NET.Vulkan.BufferView* texels = stackalloc Silk.NET.Vulkan.BufferView[buffers.Count];
        WriteDescriptorSet* writes = stackalloc WriteDescriptorSet[buffers.Count];
        for (int i = 0; i < buffers.Count; i++)
        {
            (BufferView view, BindingKind kind) = (buffers[i].View, buffers[i].Kind);
            if (kind is BindingKind.UintTexels or BindingKind.FloatTexels) texels[i] = _texelViews.Get(view, kind);
            else infos[i] = new DescriptorBufferInfo(view.Buffer.Block.Buffer, Absolute(view),
                kind == BindingKind.Uniform ? Math.Min(view.Length, _device.Limits.MaxUniformBufferRange) : view.Length);
            writes[i] = new WriteDescriptorSet(dstSet: set, dstBinding: (uint)i, descriptorCount: 1,
                descriptorType: kind.ToDescriptorType(), pBufferInfo: infos + i,
                pTexelBufferView: texels + i);
        }
        _device.Vk.UpdateDescriptorSets(_device.Handle, (uint)buffers.Count, writes, 0, null);
        return set;
    }

    internal static ulong Absolute(BufferView view) => view.Buffer.BlockOffset + view.Offset;

    /// <summary>Frees the command buffers and descriptor sets.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_commandPool.Handle != 0) _device.Vk.DestroyCommandPool(_device.Handle, _commandPool, null);
        if (_descriptorPool.Handle != 0) _device.Vk.DestroyDescriptorPool(_device.Handle, _descriptorPool, null);
        _texelViews.Dispose();
    }
}
