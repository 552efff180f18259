using MixtralVk.Testing;
using Silk.NET.Vulkan;

namespace MixtralVk.Gpu.Tests;

/// <summary>A device the host made and lends.</summary>
public class HostDeviceTests
{
    private static readonly ShaderLibrary Shaders = new(typeof(HostDeviceTests).Assembly);

    [Fact]
    public void A_lent_device_computes_submits_under_the_host_s_lock_and_stays_the_host_s()
    {
        using TestGpu host = TestGpu.Open(Shaders);
        int submissions = 0;
        using (GpuDevice wrapped = GpuDevice.Wrap(Lend(host) with { SubmitLock = submit => { submissions++; submit(); } }, Shaders))
        {
            using GpuBuffer size = wrapped.CreateBuffer(12, BufferUse.Device, "size"), readBack = wrapped.CreateBuffer(12, BufferUse.ReadBack, "read back");
            Recorder recorder = wrapped.CreateRecorder();
            recorder.BeginStage("size");
            recorder.Dispatch(new WriteSize(size.View, 129));
            recorder.Copy(size.View, readBack.View);
            using Recording recording = recorder.Finish("lent");
            wrapped.Queue.Wait(wrapped.Queue.Submit(recording, 0, 1));
            readBack.Invalidate();
            Assert.Equal([3u, 1u, 1u], readBack.Map<uint>().ToArray());
        }
        Assert.Equal(1, submissions);
        using GpuBuffer still = host.Device.CreateBuffer(16, BufferUse.Device, "the host goes on");
    }

    [Fact]
    public void What_the_host_did_not_enable_is_named()
    {
        using TestGpu host = TestGpu.Open(Shaders);
        var error = Assert.Throws<GpuUnsupportedException>(() => GpuDevice.Wrap(Lend(host) with { EnabledFeatures = ["timelineSemaphore", "maintenance4"] }, Shaders));
        Assert.Equal(["synchronization2", "subgroupSizeControl"], error.Missing);
        Assert.Throws<ArgumentException>(() => GpuDevice.Wrap(Lend(host) with { QueueFamily = 99 }, Shaders));
    }

    private static unsafe HostDevice Lend(TestGpu host)
    {
        DeviceRequirements requirements = GpuDevice.Requirements(host.Adapter);
        Queue queue;
        host.Device.Vk.GetDeviceQueue(host.Device.Handle, (uint)requirements.QueueFamily, 0, &queue);
        return new HostDevice
        {
            Instance = host.Adapter.Instance.Handle.Handle,
            PhysicalDevice = host.Adapter.Handle.Handle,
            Device = host.Device.Handle.Handle,
            Queue = queue.Handle,
            QueueFamily = requirements.QueueFamily,
            EnabledFeatures = [.. requirements.Features],
        };
    }
}
