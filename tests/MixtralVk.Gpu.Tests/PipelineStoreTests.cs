using System.Runtime.InteropServices;
using MixtralVk.Testing;
using Silk.NET.Vulkan;

namespace MixtralVk.Gpu.Tests;

public unsafe class PipelineStoreTests
{
    private static readonly ShaderLibrary Shaders = new(typeof(PipelineStoreTests).Assembly);

    private static delegate* unmanaged<nint, PipelineLayoutCreateInfo*, void*, ulong*, Result> s_createLayout;
    private static int s_refusedLayouts;

    [Fact]
    public void What_memory_was_missing_for_is_made_later()
    {
        using TestGpu gpu = TestGpu.Open(Shaders, with: o => o with { ReplaceCommand = Replace });
        using GpuBuffer size = gpu.Device.CreateBuffer(12, BufferUse.Device, "size");
        Recorder recorder = gpu.Device.CreateRecorder();
        recorder.BeginStage("size");
        recorder.Dispatch(new WriteSize(size.View, 1));
        s_refusedLayouts = 1;
        Assert.Throws<OutOfGpuMemoryException>(() => gpu.Device.PreparePipelines([recorder]));
        gpu.Run(recorder);
    }

    private static nint Replace(string name, nint address)
    {
        if (name != "vkCreatePipelineLayout") return address;
        s_createLayout = (delegate* unmanaged<nint, PipelineLayoutCreateInfo*, void*, ulong*, Result>)address;
        return (nint)(delegate* unmanaged<nint, PipelineLayoutCreateInfo*, void*, ulong*, Result>)&CreateLayout;
    }

    [UnmanagedCallersOnly]
    private static Result CreateLayout(nint device, PipelineLayoutCreateInfo* info, void* allocator, ulong* layout) =>
        s_refusedLayouts-- > 0 ? Result.ErrorOutOfDeviceMemory : s_createLayout(device, info, allocator, layout);
}
