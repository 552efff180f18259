using MixtralVk.Gpu.Extensions;
using Silk.NET.Vulkan;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace MixtralVk.Gpu;

/// <summary>
/// Turns the host's memory into device memory without a copy (VK_EXT_external_memory_host). Several drivers refuse the pages of mapped
/// files: the first refusal is remembered and nothing is tried again on this device.
/// </summary>
internal sealed unsafe class HostImport
{
    private const ExternalMemoryHandleTypeFlags HandleType = ExternalMemoryHandleTypeFlags.HostAllocationBitExt;

    private readonly GpuDevice _device;
    private readonly ExtExternalMemoryHost _extension;
    private int _attempts;
    private volatile bool _refused;

    private HostImport(GpuDevice device, ExtExternalMemoryHost extension, ulong alignment)
    {
        _device = device;
        _extension = extension;
        Alignment = alignment;
    }

    /// <summary>Pointer and length must be multiples of this.</summary>
    public ulong Alignment { get; }

    /// <summary>The way to import on a device made with the extension, else null.</summary>
    public static HostImport? TryCreate(GpuDevice device, GpuAdapter adapter)
    {
        if (ExtExternalMemoryHost.TryLoad(device.Vk, device.Handle) is not { } extension) return null;
        var host = new PhysicalDeviceExternalMemoryHostPropertiesEXT(sType: StructureType.PhysicalDeviceExternalMemoryHostPropertiesExt);
        var properties = new PhysicalDeviceProperties2(sType: StructureType.PhysicalDeviceProperties2, pNext: &host);
        adapter.Instance.Vk.GetPhysicalDeviceProperties2(adapter.Handle, &properties);
        return new HostImport(device, extension, host.MinImportedHostPointerAlignment);
    }

    /// <summary>A block over the host's memory; null when this device will not have it.</summary>
    public MemoryBlock? TryImport(void* pointer, ulong length, string name)
    {
        if (_refused || length == 0 || (ulong)pointer % Alignment != 0 || length % Alignment != 0) return null;
        if (length > Math.Min(_device.Limits.MaxAllocationSize, _device.Limits.MaxBufferSize)) return null;
        MemoryBlock? block = Interlocked.Increment(ref _attempts) > _device.Options.FailImportsFrom ? null : Import(pointer, length, name);
        _refused |= block is null;
        return block;
    }

    private MemoryBlock? Import(void* pointer, ulong length, string name)
    {
        Vk vk = _device.Vk;
        Device device = _device.Handle;
        var hostMemory = new MemoryHostPointerPropertiesEXT(sType: StructureType.MemoryHostPointerPropertiesExt);
        if (_extension.GetMemoryHostPointerProperties(device, HandleType, pointer, &hostMemory) != Result.Success) return null;

        var external = new ExternalMemoryBufferCreateInfo(handleTypes: HandleType);
        var info = new BufferCreateInfo(pNext: &external, size: length, sharingMode: SharingMode.Exclusive, usage: GpuMemory.BufferUsage);
        Buffer buffer;
        if (vk.CreateBuffer(device, &info, null, &buffer) != Result.Success) return null;
        MemoryRequirements requirements;
        vk.GetBufferMemoryRequirements(device, buffer, &requirements);
        uint types = hostMemory.MemoryTypeBits & requirements.MemoryTypeBits;
        DeviceMemory memory = default;
        if (types != 0 && requirements.Size <= length)
        {
            int type = DeviceChoices.MemoryTypeFor(_device.Description, BufferUse.Device, types);
            var import = new ImportMemoryHostPointerInfoEXT(handleType: HandleType, pHostPointer: pointer);
            var allocate = new MemoryAllocateInfo(pNext: &import, allocationSize: length, memoryTypeIndex: (uint)type);
            if (vk.AllocateMemory(device, &allocate, null, &memory) == Result.Success
                && vk.BindBufferMemory(device, buffer, memory, 0) == Result.Success)
            {
                _device.Names.Set(ObjectType.Buffer, buffer.Handle, $"imported: {name}");
                return new MemoryBlock(type, buffer, memory, null, length, 1) { IsImported = true };
            }
        }
        vk.DestroyBuffer(device, buffer, null);
        if (memory.Handle != 0) vk.FreeMemory(device, memory, null);
        return null;
    }
}
