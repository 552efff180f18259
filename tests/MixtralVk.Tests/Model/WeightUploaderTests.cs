using MixtralVk.Gpu;
using MixtralVk.Model.Vulkan;
using MixtralVk.Testing;

namespace MixtralVk.Tests.Model;

/// <summary>Both ways to the device: staged as on a card, and straight into shared memory.</summary>
[Collection(VulkanCollection.Name)]
public class WeightUploaderTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Pieces_of_any_size_arrive_whole_where_they_belong(bool direct)
    {
        // Without the validation layer, which is not reliable from several threads (VulkanCollection).
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { Validation = false });
        byte[] expected = new byte[20 << 20];
        new Random(4).NextBytes(expected);
        using GpuBuffer device = gpu.Device.CreateBuffer((ulong)expected.Length, BufferUse.Device, "weights");
        var uploads = new List<Upload>();
        // From a few bytes to more than a staging buffer usually holds.
        int[] sizes = [4, 1000, 256 << 10, 3 << 20, 9 << 20];
        for (int offset = 0, i = 0; offset < expected.Length; i++)
        {
            (int start, int length) = (offset, Math.Min(sizes[i % sizes.Length], expected.Length - offset));
            uploads.Add(new Upload(device.View.Slice((ulong)start, (ulong)length),
                bytes => expected.AsSpan(start, length).CopyTo(bytes), "piece"));
            offset += length;
        }
        var done = new List<long>();
        using (var uploader = new WeightUploader(gpu.Device, direct))
            uploader.Run(uploads, new Progress(p => done.Add(p.DoneBytes)), default);
        Assert.Equal(expected.Length, done.Max());
        Assert.Equal(expected, ReadBack(gpu, device));
    }

    [Fact]
    public void An_error_while_a_piece_is_filled_comes_out_as_itself_and_no_staging_stays()
    {
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using GpuBuffer device = gpu.Device.CreateBuffer(1 << 20, BufferUse.Device, "weights");
        using (var uploader = new WeightUploader(gpu.Device, direct: false))
        {
            Upload[] uploads = [new(device.View, _ => throw new EndOfStreamException("cut off"), "piece")];
            Assert.Throws<EndOfStreamException>(() => uploader.Run(uploads, null, default));
        }
        Assert.Equal(1, gpu.Device.LiveBuffers);
    }

    private static byte[] ReadBack(TestGpu gpu, GpuBuffer buffer)
    {
        using GpuBuffer copy = gpu.Device.CreateBuffer(buffer.Size, BufferUse.ReadBack, "copy");
        Recorder recorder = gpu.Device.CreateRecorder();
        recorder.BeginStage("copy");
        recorder.Copy(buffer.View, copy.View);
        gpu.Run(recorder);
        copy.Invalidate();
        return copy.Map<byte>().ToArray();
    }

    private sealed class Progress(Action<LoadProgress> onReport) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            lock (onReport) onReport(value);
        }
    }
}
