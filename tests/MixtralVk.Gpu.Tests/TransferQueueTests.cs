using MixtralVk.Testing;

namespace MixtralVk.Gpu.Tests;

/// <summary>Copies on a queue of their own, beside what is computed: on a second family, and on a queue that a host lends.</summary>
public sealed class TransferQueueTests
{
    private const uint Count = 1000;
    private static readonly ShaderLibrary s_shaders = new(typeof(TransferQueueTests).Assembly);

    [Fact]
    public void A_device_of_its_own_copies_beside_what_it_computes_and_computes_with_what_was_copied()
    {
        using TestGpu gpu = WithTransfers();
        Assert.Equal((0, 1), (gpu.Device.Queue.Family, gpu.Device.Transfers!.Family));
        CopyAndCompute(gpu.Device, afterCopy: () =>
        {
            Assert.Equal(1, VulkanTransfers.Late);
            Assert.False(gpu.Device.Transfers.IsDone(1));
        });
        Assert.Equal((1, 0, 0), (VulkanTransfers.Copies, VulkanTransfers.Late, VulkanTransfers.UnsharedBuffers));
    }

    [Fact]
    public void A_host_lends_a_second_queue_that_may_be_its_first()
    {
        using TestGpu host = TestGpu.Open(s_shaders);
        HostDevice one = host.Lend();
        Assert.Null(GpuDevice.Requirements(host.Adapter).TransferQueueFamily);
        int submissions = 0;
        HostDevice two = one with { TransferQueue = new DeviceQueue(one.Queue, one.QueueFamily),
            SubmitLock = submit => { submissions++; submit(); } };
        using (GpuDevice wrapped = GpuDevice.Wrap(two, s_shaders, new GpuOptions { Replay = host.Replay }))
            CopyAndCompute(wrapped, () => { });
        Assert.Equal(2, submissions);
        using (GpuDevice wrapped = GpuDevice.Wrap(one, s_shaders)) Assert.Null(wrapped.Transfers);
        Assert.Throws<ArgumentException>(() => GpuDevice.Wrap(one with { TransferQueue = new DeviceQueue(one.Queue, 99) }, s_shaders));
    }

    [Fact]
    public void A_device_that_is_disposed_of_waits_for_its_copies()
    {
        using TestGpu gpu = WithTransfers();
        using GpuBuffer from = gpu.Device.CreateBuffer(Count * 4, BufferUse.Upload, "from"),
            to = gpu.Device.CreateBuffer(Count * 4, BufferUse.Device, "to");
        using Recording copy = Copy(gpu.Device, from, to);
        gpu.Device.Transfers!.Submit(copy, 0, 1);
        Assert.Equal(1, VulkanTransfers.Late);
        gpu.Device.WaitIdle();
        Assert.Equal(0, VulkanTransfers.Late);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_computed_with_a_copy_nobody_has_awaited_is_a_hazard(bool awaits)
    {
        var replay = new HazardReplay();
        using TestGpu gpu = TestGpu.Open(s_shaders, with: o => o with { ReplaceCommand = VulkanTransfers.Begin(), Replay = replay });
        CopyAndCompute(gpu.Device, () => { }, awaits);
        Assert.Equal(awaits, replay.Hazard is null);
    }

    [Fact]
    public void A_recording_is_for_the_queues_of_one_family()
    {
        using TestGpu gpu = WithTransfers();
        using GpuBuffer from = gpu.Device.CreateBuffer(Count * 4, BufferUse.Upload, "from"),
            to = gpu.Device.CreateBuffer(Count * 4, BufferUse.Device, "to");
        using Recording copy = Copy(gpu.Device, from, to);
        Assert.Throws<ArgumentOutOfRangeException>(() => gpu.Device.Queue.Submit(copy, 0, 1));
        // A family that only copies knows no other stages.
        Assert.All(copy.Stages.SelectMany(stage => stage.Commands).OfType<BarrierCommand>(),
            barrier => Assert.Equal((BarrierCommand.Copies, BarrierCommand.Copies), (barrier.From, barrier.To)));
        Assert.Equal(1, copy.BarrierCount);
    }

    private static TestGpu WithTransfers() => TestGpu.Open(s_shaders, with: o => o with { ReplaceCommand = VulkanTransfers.Begin() });

    /// <summary>Copies on one queue, computes with it on the other, and checks the numbers.</summary>
    private static void CopyAndCompute(GpuDevice device, Action afterCopy, bool awaits = true)
    {
        using GpuBuffer from = device.CreateBuffer(Count * 4, BufferUse.Upload, "from"),
            to = device.CreateBuffer(Count * 4, BufferUse.Device, "to"),
            scaled = device.CreateBuffer(Count * 4, BufferUse.Device, "scaled"),
            readBack = device.CreateBuffer(Count * 4, BufferUse.ReadBack, "read back");
        Span<uint> input = from.Map<uint>();
        for (int i = 0; i < input.Length; i++) input[i] = (uint)i;
        from.Flush();
        using Recording copy = Copy(device, from, to);
        ulong copied = device.Transfers!.Submit(copy, 0, 1);
        afterCopy();
        Recorder recorder = device.CreateRecorder();
        recorder.BeginStage("compute");
        recorder.Dispatch(new Scale(to.View, scaled.View, Count, 3, 1));
        recorder.Copy(scaled.View, readBack.View);
        using Recording compute = recorder.Finish("compute");
        if (awaits) device.Queue.Await(device.Transfers, copied);
        else device.Transfers.Wait(copied);
        device.Queue.Wait(device.Queue.Submit(compute, 0, 1));
        readBack.Invalidate();
        Assert.Equal(Enumerable.Range(0, (int)Count).Select(i => (uint)i * 3 + 1), readBack.Map<uint>().ToArray());
    }

    private static Recording Copy(GpuDevice device, GpuBuffer from, GpuBuffer to)
    {
        Recorder recorder = device.CreateRecorder(device.Transfers);
        recorder.BeginStage("copy");
        recorder.Copy(from.View, to.View);
        return recorder.Finish("copy");
    }
}
