using MixtralVk.Testing;

namespace MixtralVk.Gpu.Tests;

public class GpuMemoryTests
{
    private static readonly ShaderLibrary Shaders = new(typeof(GpuMemoryTests).Assembly);

    [Fact]
    public void Small_buffers_share_a_block_and_an_empty_block_is_freed()
    {
        using TestGpu gpu = TestGpu.Open(Shaders);
        GpuBuffer first = gpu.Device.CreateBuffer(1000, BufferUse.Device, "first");
        long used = gpu.Device.UsedMemory;
        GpuBuffer second = gpu.Device.CreateBuffer(1000, BufferUse.Device, "second");
        Assert.Equal(used, gpu.Device.UsedMemory);
        Assert.Same(first.Block, second.Block);
        first.Dispose();
        first.Dispose();
        Assert.Equal(1, gpu.Device.LiveBuffers);
        second.Dispose();
        Assert.Equal(0, gpu.Device.UsedMemory);
    }

    [Fact]
    public void Large_buffers_waste_nothing_at_the_ends_of_blocks()
    {
        using TestGpu gpu = TestGpu.Open(Shaders);
        ulong block = DeviceChoices.BlockSize(gpu.Device.Description,
            DeviceChoices.MemoryTypeFor(gpu.Device.Description, BufferUse.Device), BufferUse.Device);
        ulong size = block / 8 * 3;   // an expert of Mixtral in a block of 256 MiB
        GpuBuffer[] experts = [.. Enumerable.Range(0, 5).Select(i => gpu.Device.CreateBuffer(size, BufferUse.Device, $"expert {i}"))];
        Assert.Equal(5 * (long)size, gpu.Device.UsedMemory);
        foreach (GpuBuffer expert in experts) expert.Dispose();
    }

    [Fact]
    public void The_budget_is_kept_to_the_byte_and_may_change_at_any_time()
    {
        using TestGpu gpu = TestGpu.Open(Shaders, with: o => o with { MemoryBudget = 1 << 20 });
        using GpuBuffer most = gpu.Device.CreateBuffer(1 << 20, BufferUse.Device, "all of it");
        var error = Assert.Throws<OutOfGpuMemoryException>(() => gpu.Device.CreateBuffer(256, BufferUse.Device, "one more"));
        Assert.Contains("one more", error.Message, StringComparison.Ordinal);
        gpu.Device.MemoryBudget += 256;
        using GpuBuffer more = gpu.Device.CreateBuffer(256, BufferUse.Device, "one more");
        gpu.Device.MemoryBudget = 0;
        Assert.Equal((1 << 20) + 256, gpu.Device.UsedMemory);
        Assert.Throws<OutOfGpuMemoryException>(() => gpu.Device.CreateBuffer(1, BufferUse.Device, "nothing"));
    }

    [Fact]
    public void A_refused_allocation_leaves_everything_as_it_was()
    {
        using TestGpu gpu = TestGpu.Open(Shaders, with: o => o with { FailAllocationsFrom = 1 });
        using GpuBuffer first = gpu.Device.CreateBuffer(64, BufferUse.Device, "first");
        long used = gpu.Device.UsedMemory;
        Assert.Throws<OutOfGpuMemoryException>(() => gpu.Device.CreateBuffer(512ul << 20, BufferUse.Device, "second"));
        Assert.Equal(used, gpu.Device.UsedMemory);
        Assert.Equal(1, gpu.Device.LiveBuffers);
    }

    [Fact]
    public void A_buffer_above_the_device_s_limit_is_a_typed_error()
    {
        using TestGpu gpu =
            TestGpu.Open(Shaders, with: o => o with { LimitTo = DeviceLimits.SpecificationMinimum, MemoryBudget = long.MaxValue });
        Assert.Throws<OutOfGpuMemoryException>(() => gpu.Device.CreateBuffer((1ul << 30) + 1, BufferUse.Device, "too large"));
    }

    [Fact]
    public void Views_stay_inside_their_buffer()
    {
        using TestGpu gpu = TestGpu.Open(Shaders);
        using GpuBuffer buffer = gpu.Device.CreateBuffer(1024, BufferUse.Device, "buffer");
        Assert.Throws<ArgumentOutOfRangeException>(() => new BufferView(buffer, 1000, 25));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BufferView(buffer, ulong.MaxValue, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View.Slice(512, 512).Slice(1, 512));
        Assert.True(buffer.View.Slice(0, 10).Overlaps(buffer.View.Slice(9, 1)));
        Assert.False(buffer.View.Slice(0, 10).Overlaps(buffer.View.Slice(10, 1)));
    }

    [Fact]
    public void What_the_host_writes_the_device_copies_and_the_host_reads_back()
    {
        using TestGpu gpu = TestGpu.Open(Shaders);
        using GpuBuffer upload = gpu.Device.CreateBuffer(4096, BufferUse.Upload, "upload"),
            device = gpu.Device.CreateBuffer(4096, BufferUse.Device, "device");
        using GpuBuffer readBack = gpu.Device.CreateBuffer(4096, BufferUse.ReadBack, "read back");
        new Random(1).NextBytes(upload.Map<byte>());
        upload.Flush();
        Recorder recorder = gpu.Device.CreateRecorder();
        recorder.BeginStage("copy");
        recorder.Copy(upload.View, device.View);
        recorder.Fill(device.View.Slice(16, 8), 0x01020304);
        recorder.Copy(device.View, readBack.View);
        gpu.Run(recorder);
        readBack.Invalidate();
        uint[] expected = upload.Map<uint>().ToArray();
        expected[4] = expected[5] = 0x01020304;
        Assert.Equal(expected, readBack.Map<uint>().ToArray());
    }
}
