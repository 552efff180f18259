using Silk.NET.Vulkan;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace MixtralVk.Gpu;

/// <summary>One memory allocation with one Vulkan buffer over all of it.</summary>
internal sealed unsafe class MemoryBlock(int type, Buffer buffer, DeviceMemory memory, byte* mapped, ulong size, ulong alignment)
{
    public int Type { get; } = type;
    public Buffer Buffer { get; } = buffer;
    public DeviceMemory Memory { get; } = memory;
    /// <summary>Start of the mapping, or null.</summary>
    public byte* Mapped { get; } = mapped;
    public ulong Size { get; } = size;
    /// <summary>Memory of the host that stays the host's: it is in no budget and is not written.</summary>
    public bool IsImported { get; init; }
    /// <summary>The driver is to move it out before others, where it can be told.</summary>
    public bool YieldsFirst { get; init; }
    public RangeAllocator Ranges { get; } = new(size, alignment);
}

/// <summary>
/// Cuts buffers from memory blocks and keeps the device's own memory within a byte budget; the little that lies in the host's memory on a
/// card (staging, read-back) does not count. Thread-safe.
/// </summary>
internal sealed unsafe class GpuMemory : IDisposable
{
    /// <summary>Every buffer may be used in every way the engine knows.</summary>
    public const BufferUsageFlags BufferUsage = BufferUsageFlags.StorageBufferBit | BufferUsageFlags.UniformBufferBit
        | BufferUsageFlags.UniformTexelBufferBit | BufferUsageFlags.TransferSrcBit
        | BufferUsageFlags.TransferDstBit | BufferUsageFlags.IndirectBufferBit;

    /// <summary>Of what others are to be kept before; 0.5 is what an allocation has that says nothing.</summary>
    private const float LowPriority = 0.25f;

    private readonly GpuDevice _device;
    private readonly uint[] _queueFamilies;
    private readonly bool _setsPriority;
    private readonly Lock _lock = new();
    private readonly List<MemoryBlock> _blocks = [];
    private readonly ulong _alignment;
    private readonly uint _allowedTypes;
    private readonly int _deviceHeap;
    private long _budget;
    private int _allocations;

    public GpuMemory(GpuDevice device, long budget, uint[] queueFamilies, bool setsPriority)
    {
        _device = device;
        _budget = budget;
        _queueFamilies = queueFamilies;
        _setsPriority = setsPriority;
        // 256 bytes are the most that uniform and texel bindings may ask for. Also the granularity of flushes, so that flushing one buffer
        // never touches its neighbour.
        _alignment = Math.Max(256, Math.Max(device.Limits.MinStorageBufferOffsetAlignment, device.Limits.NonCoherentAtomSize));
        // The same for all buffers of one usage (specification of VkMemoryRequirements), so a small one tells.
        Buffer probe = CreateVkBuffer(_alignment);
        MemoryRequirements requirements;
        device.Vk.GetBufferMemoryRequirements(device.Handle, probe, &requirements);
        device.Vk.DestroyBuffer(device.Handle, probe, null);
        _allowedTypes = requirements.MemoryTypeBits;
        _deviceHeap = HeapOf(DeviceChoices.MemoryTypeFor(device.Description, BufferUse.Device, _allowedTypes));
    }

    /// <summary>Bytes of the blocks in the device's own memory.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>Buffers not disposed yet.</summary>
    public int LiveBuffers { get; private set; }

    /// <summary>Most bytes to take. Lowering it below what is used refuses new blocks; it frees nothing.</summary>
    public long Budget
    {
        get { lock (_lock) return _budget; }
        set { lock (_lock) _budget = value; }
    }

    public GpuBuffer Create(ulong size, BufferUse use, string name, bool yieldsFirst)
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        lock (_lock)
        {
            int type = DeviceChoices.MemoryTypeFor(_device.Description, use, _allowedTypes);
            foreach (MemoryBlock block in _blocks)
                if (block.Type == type && block.YieldsFirst == yieldsFirst && block.Ranges.TryTake(size, out ulong offset))
                    return Cut(block, offset, size, use, name);

            MemoryBlock fresh = Allocate(type, size, use, name, yieldsFirst);
            fresh.Ranges.TryTake(size, out ulong start);
            return Cut(fresh, start, size, use, name);
        }
    }

    /// <summary>A buffer over an imported block, all of it.</summary>
    public GpuBuffer Adopt(MemoryBlock block, string name)
    {
        lock (_lock)
        {
            _blocks.Add(block);
            block.Ranges.TryTake(block.Size, out ulong start);
            return Cut(block, start, block.Size, BufferUse.Device, name);
        }
    }

    public void Free(GpuBuffer buffer)
    {
        lock (_lock)
        {
            MemoryBlock block = buffer.Block;
            block.Ranges.Return(buffer.BlockOffset, buffer.Size);
            LiveBuffers--;
            // Not in the list: the device was disposed before the buffer and took the block with it.
            if (block.Ranges.IsEmpty && _blocks.Remove(block)) Release(block);
        }
    }

    public void Flush(GpuBuffer buffer) =>
        WithRange(buffer, static (vk, device, range) => vk.FlushMappedMemoryRanges(device, 1, &range), "vkFlushMappedMemoryRanges");

    public void Invalidate(GpuBuffer buffer) => WithRange(buffer,
        static (vk, device, range) => vk.InvalidateMappedMemoryRanges(device, 1, &range), "vkInvalidateMappedMemoryRanges");

    private void WithRange(GpuBuffer buffer, Func<Vk, Device, MappedMemoryRange, Result> call, string name)
    {
        if ((_device.Description.MemoryTypes[buffer.Block.Type].Traits & MemoryTraits.HostCoherent) != 0) return;
        ulong length = Math.Min((buffer.Size + _alignment - 1) / _alignment * _alignment, buffer.Block.Size - buffer.BlockOffset);
        var range = new MappedMemoryRange(memory: buffer.Block.Memory, offset: buffer.BlockOffset, size: length);
        call(_device.Vk, _device.Handle, range).ThrowOnError(name);
    }

    private GpuBuffer Cut(MemoryBlock block, ulong offset, ulong size, BufferUse use, string name)
    {
        LiveBuffers++;
        return new GpuBuffer(this, block, offset, size, use, name);
    }

    private int HeapOf(int type) => _device.Description.MemoryTypes[type].Heap;

    private MemoryBlock Allocate(int type, ulong size, BufferUse use, string name, bool yieldsFirst)
    {
        ulong needed = (size + _alignment - 1) / _alignment * _alignment;
        if (needed > Math.Min(_device.Limits.MaxAllocationSize, _device.Limits.MaxBufferSize))
            throw new OutOfGpuMemoryException(
                $"{_device.Description.Name} cannot hold {needed} bytes ({name}) in one buffer.", (long)needed);
        ulong usual = DeviceChoices.BlockSize(_device.Description, type, use);
        bool counts = HeapOf(type) == _deviceHeap;
        // Large buffers get a block of their own, so that little is lost at the ends of blocks; so do the last bytes of the budget.
        ulong blockSize = needed > usual / 8 || counts && UsedBytes + (long)usual > _budget ? needed : usual;
        if (counts && UsedBytes + (long)blockSize > _budget)
        {
            throw new OutOfGpuMemoryException(
                $"{name} needs {needed >> 20} MiB of GPU memory, but {UsedBytes >> 20} of {_budget >> 20} MiB of the budget are used; raise the budget or shorten the context.", (long)needed);
        }
        MemoryBlock block = NewBlock(type, blockSize, name, yieldsFirst);
        _blocks.Add(block);
        if (counts) UsedBytes += (long)block.Size;
        return block;
    }

    private MemoryBlock NewBlock(int type, ulong size, string name, bool yieldsFirst)
    {
        Vk vk = _device.Vk;
        Device device = _device.Handle;
        Buffer buffer = CreateVkBuffer(size);
        DeviceMemory memory = default;
        try
        {
            MemoryRequirements requirements;
            vk.GetBufferMemoryRequirements(device, buffer, &requirements);
            var priority = new MemoryPriorityAllocateInfoEXT(sType: StructureType.MemoryPriorityAllocateInfoExt, priority: LowPriority);
            var allocate = new MemoryAllocateInfo(pNext: yieldsFirst && _setsPriority ? &priority : null, allocationSize: requirements.Size,
                memoryTypeIndex: (uint)type);
            Result result = _allocations++ >= _device.Options.FailAllocationsFrom
                ? Result.ErrorOutOfDeviceMemory : vk.AllocateMemory(device, &allocate, null, &memory);
            if (result is Result.ErrorOutOfDeviceMemory or Result.ErrorOutOfHostMemory or Result.ErrorTooManyObjects)
                throw new OutOfGpuMemoryException(
                    $"{_device.Description.Name} has no {size >> 20} MiB left for {name}; close other programs, lower the context or use a smaller model.", (long)size);
            result.ThrowOnError("vkAllocateMemory");
            vk.BindBufferMemory(device, buffer, memory, 0).ThrowOnError("vkBindBufferMemory");
            void* mapped = null;
            if (_device.Description.MemoryTypes[type].Traits.HasFlag(MemoryTraits.HostVisible))
                vk.MapMemory(device, memory, 0, Vk.WholeSize, 0, &mapped).ThrowOnError("vkMapMemory");
            _device.Names.Set(ObjectType.Buffer, buffer.Handle, $"block {_blocks.Count}: {name}…");
            _device.Names.Set(ObjectType.DeviceMemory, memory.Handle, $"block {_blocks.Count}: {name}…");
            return new MemoryBlock(type, buffer, memory, (byte*)mapped, size, _alignment) { YieldsFirst = yieldsFirst };
        }
        catch
        {
            vk.DestroyBuffer(device, buffer, null);
            if (memory.Handle != 0) vk.FreeMemory(device, memory, null);
            throw;
        }
    }

    private Buffer CreateVkBuffer(ulong size)
    {
        // Families that share a buffer need not hand it over, and drivers keep nothing of a buffer that this could cost (as of images).
        SharingMode sharing = _queueFamilies.Length > 1 ? SharingMode.Concurrent : SharingMode.Exclusive;
        fixed (uint* families = _queueFamilies)
        {
            var info = new BufferCreateInfo(size: size, sharingMode: sharing, usage: BufferUsage,
                queueFamilyIndexCount: (uint)_queueFamilies.Length, pQueueFamilyIndices: families);
            Buffer buffer;
            _device.Vk.CreateBuffer(_device.Handle, &info, null, &buffer).ThrowOnError("vkCreateBuffer");
            return buffer;
        }
    }

    private void Release(MemoryBlock block)
    {
        if (!block.IsImported && HeapOf(block.Type) == _deviceHeap) UsedBytes -= (long)block.Size;
        _device.Vk.DestroyBuffer(_device.Handle, block.Buffer, null);
        _device.Vk.FreeMemory(_device.Handle, block.Memory, null);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (MemoryBlock block in _blocks) Release(block);
            _blocks.Clear();
        }
    }
}
