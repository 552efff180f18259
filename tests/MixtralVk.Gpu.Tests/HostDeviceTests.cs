using MixtralVk.Testing;

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
        using (GpuDevice wrapped = GpuDevice.Wrap(host.Lend() with { SubmitLock = submit => { submissions++; submit(); } }, Shaders))
        {
            using GpuBuffer size = wrapped.CreateBuffer(12, BufferUse.Device, "size"),
                readBack = wrapped.CreateBuffer(12, BufferUse.ReadBack, "read back");
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
    public void A_lock_that_does_not_run_the_submission_is_an_error_and_submitting_under_one_allocates_nothing()
    {
        using TestGpu host = TestGpu.Open(Shaders, with: o => o with { Validation = false, Replay = null });
        Action? kept = null;
        bool runs = true;
        using GpuDevice wrapped =
            GpuDevice.Wrap(host.Lend() with { SubmitLock = submit => { kept = submit; if (runs) submit(); } }, Shaders);
        using GpuBuffer size = wrapped.CreateBuffer(12, BufferUse.Device, "size");
        Recorder recorder = wrapped.CreateRecorder();
        recorder.BeginStage("size");
        recorder.Dispatch(new WriteSize(size.View, 1));
        using Recording recording = recorder.Finish("locked");
        wrapped.Queue.Wait(wrapped.Queue.Submit(recording, 0, 1));
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (int i = 0; i < 10; i++) wrapped.Queue.Wait(wrapped.Queue.Submit(recording, 0, 1));
        }));
        Assert.Throws<InvalidOperationException>(() => kept!());
        runs = false;
        Assert.Throws<InvalidOperationException>(() => wrapped.Queue.Submit(recording, 0, 1));
        runs = true;
        wrapped.Queue.Wait(wrapped.Queue.Submit(recording, 0, 1));
    }

    /// <summary>Its work was done all the same, so that what it used may be freed, and the next must not take the same ticket.</summary>
    [Fact]
    public void A_lock_that_throws_after_it_has_submitted_leaves_the_queue_in_order()
    {
        using TestGpu host = TestGpu.Open(Shaders);
        bool throws = false;
        using GpuDevice wrapped = GpuDevice.Wrap(host.Lend() with { SubmitLock = submit =>
        {
            submit();
            if (throws) throw new InvalidDataException("the host's");
        } }, Shaders);
        using GpuBuffer size = wrapped.CreateBuffer(12, BufferUse.Device, "size");
        Recorder recorder = wrapped.CreateRecorder();
        recorder.BeginStage("size");
        recorder.Dispatch(new WriteSize(size.View, 1));
        using Recording recording = recorder.Finish("locked");
        throws = true;
        Assert.Throws<InvalidDataException>(() => wrapped.Queue.Submit(recording, 0, 1));
        Assert.Equal(1u, wrapped.Queue.Submitted);
        Assert.True(wrapped.Queue.IsDone(1));
        throws = false;
        Assert.Equal(2u, wrapped.Queue.Submit(recording, 0, 1));
        wrapped.Queue.Wait(2);
    }

    [Fact]
    public void What_the_host_did_not_enable_is_named()
    {
        using TestGpu host = TestGpu.Open(Shaders);
        var error = Assert.Throws<GpuUnsupportedException>(() =>
            GpuDevice.Wrap(host.Lend() with { EnabledFeatures = ["timelineSemaphore", "maintenance4"] }, Shaders));
        Assert.Equal(["synchronization2", "subgroupSizeControl"], error.Missing);
        Assert.Throws<ArgumentException>(() => GpuDevice.Wrap(host.Lend() with { QueueFamily = 99 }, Shaders));
    }
}
