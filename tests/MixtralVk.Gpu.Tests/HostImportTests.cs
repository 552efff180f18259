using System.Runtime.InteropServices;
using MixtralVk.Testing;

namespace MixtralVk.Gpu.Tests;

/// <summary>The host's memory as device memory.</summary>
public sealed unsafe class HostImportTests : IDisposable
{
    private const int Bytes = 1 << 18;

    private static readonly ShaderLibrary Shaders = new(typeof(HostImportTests).Assembly);
    private readonly byte* _memory = (byte*)NativeMemory.AlignedAlloc(Bytes, 1 << 16);

    public HostImportTests() => new Random(2).NextBytes(new Span<byte>(_memory, Bytes));

    public void Dispose() => NativeMemory.AlignedFree(_memory);

    [Fact]
    public void The_device_reads_the_host_s_bytes_and_they_count_in_no_budget()
    {
        using TestGpu gpu = TestGpu.Open(Shaders, with: o => o with { MemoryBudget = 1 << 20 });
        long used = gpu.Device.UsedMemory;
        using GpuBuffer imported = gpu.Device.TryImport((nint)_memory, Bytes, "weights")
            ?? throw new InvalidOperationException("The software driver imports memory.");
        Assert.Equal(used, gpu.Device.UsedMemory);
        Assert.False(imported.IsMapped);
        using GpuBuffer copy = gpu.Device.CreateBuffer(Bytes, BufferUse.ReadBack, "copy");
        Recorder recorder = gpu.Device.CreateRecorder();
        recorder.BeginStage("copy");
        recorder.Copy(imported.View, copy.View);
        gpu.Run(recorder);
        copy.Invalidate();
        Assert.True(copy.Map<byte>().SequenceEqual(new ReadOnlySpan<byte>(_memory, Bytes)));
    }

    [Fact]
    public void What_is_not_aligned_or_too_large_is_refused_and_what_follows_is_not()
    {
        using TestGpu gpu =
            TestGpu.Open(Shaders, with: o => o with { LimitTo = DeviceLimits.SpecificationMinimum with { MaxBufferSize = Bytes / 2 } });
        Assert.Null(gpu.Device.TryImport((nint)_memory + 16, Bytes / 2, "crooked"));
        Assert.Null(gpu.Device.TryImport((nint)_memory, 1000, "short"));
        Assert.Null(gpu.Device.TryImport((nint)_memory, 0, "empty"));
        Assert.Null(gpu.Device.TryImport((nint)_memory, Bytes, "large"));
        using GpuBuffer? half = gpu.Device.TryImport((nint)_memory, Bytes / 2, "half");
        Assert.NotNull(half);
    }

    [Fact]
    public void A_refusal_is_remembered()
    {
        using TestGpu gpu = TestGpu.Open(Shaders, with: o => o with { FailImportsFrom = 1 });
        using GpuBuffer? first = gpu.Device.TryImport((nint)_memory, Bytes / 2, "first");
        Assert.NotNull(first);
        Assert.Null(gpu.Device.TryImport((nint)_memory + Bytes / 2, Bytes / 2, "second"));
        Assert.Null(gpu.Device.TryImport((nint)_memory, Bytes / 2, "third"));
        Assert.Equal(1, gpu.Device.LiveBuffers);
    }
}
