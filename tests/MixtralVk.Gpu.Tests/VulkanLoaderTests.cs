using System.Runtime.InteropServices;
using MixtralVk.Gpu.Extensions;
using MixtralVk.Testing;
using Silk.NET.Vulkan;

namespace MixtralVk.Gpu.Tests;

/// <summary>Where the commands of Silk.NET's Vk come from.</summary>
public sealed unsafe class VulkanLoaderTests
{
    private static readonly ShaderLibrary Shaders = new(typeof(VulkanLoaderTests).Assembly);

    [Fact]
    public void A_machine_without_a_loader_is_a_typed_error_with_the_names_tried()
    {
        var exception = Assert.Throws<NoVulkanException>(() => VulkanLoader.Open(["libno-such-vulkan.so.1", "no-such-vulkan-1.dll"]));
        Assert.Contains("libno-such-vulkan.so.1, no-such-vulkan-1.dll", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_s_commands_are_the_driver_s_own_and_not_the_loader_s_dispatch()
    {
        using TestGpu gpu = TestGpu.Open(Shaders, with: o => o with { Validation = false });
        Instance instance = gpu.Adapter.Instance.Handle;
        var own = (nint)gpu.Device.Vk.GetDeviceProcAddr(gpu.Device.Handle, "vkQueueSubmit2").Handle;
        using Vk loaders = VulkanLoader.Load(instance);
        Assert.Equal(own, gpu.Device.Vk.Context.GetProcAddress("vkQueueSubmit2"));
        Assert.NotEqual(own, loaders.Context.GetProcAddress("vkQueueSubmit2"));
        // Commands that are not the device's come from its instance.
        Assert.NotEqual(0, gpu.Device.Vk.Context.GetProcAddress("vkGetPhysicalDeviceProperties2"));
        Assert.Throws<EntryPointNotFoundException>(() => gpu.Device.Vk.Context.GetProcAddress("vkNoSuchCommand"));
    }

    [Fact]
    public void An_extension_is_there_only_where_it_was_enabled()
    {
        using TestGpu plain = TestGpu.Open(Shaders, with: o => o with { Validation = false }), debug = TestGpu.Open(Shaders);
        Assert.Null(ExtDebugUtils.TryLoad(plain.Device.Vk, plain.Adapter.Instance.Handle));
        Assert.NotNull(ExtDebugUtils.TryLoad(debug.Device.Vk, debug.Adapter.Instance.Handle));
        Assert.Null(KhrPipelineExecutableProperties.TryLoad(plain.Device.Vk, plain.Device.Handle));
    }

    [Fact]
    public void A_command_may_be_replaced()
    {
        var seen = new HashSet<string>();
        nint Replace(string name, nint address)
        {
            lock (seen) seen.Add(name);
            return name == "vkQueueSubmit2" ? (nint)(delegate* unmanaged<nint, uint, void*, ulong, Result>)&LoseDevice : address;
        }
        using TestGpu gpu = TestGpu.Open(Shaders, with: o => o with { ReplaceCommand = Replace, Replay = null });
        using GpuBuffer size = gpu.Device.CreateBuffer(12, BufferUse.Device, "size");
        Recorder recorder = gpu.Device.CreateRecorder();
        recorder.BeginStage("size");
        recorder.Dispatch(new WriteSize(size.View, 1));
        using Recording recording = recorder.Finish("lost");
        Assert.Throws<DeviceLostException>(() => gpu.Device.Queue.Submit(recording, 0, 1));
        Assert.Contains("vkAllocateMemory", seen);
    }

    [UnmanagedCallersOnly]
    private static Result LoseDevice(nint queue, uint count, void* submits, ulong fence) => Result.ErrorDeviceLost;
}
