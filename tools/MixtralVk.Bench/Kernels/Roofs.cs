using System.Runtime.InteropServices;
using MixtralVk.Gpu;
using MixtralVk.Tuning;

namespace MixtralVk.Bench;

/// <summary>Copies 16 bytes a lane, <see cref="VecsPerLane"/> times.</summary>
internal readonly record struct MeasureCopy(BufferView From, BufferView To, uint VecsPerLane) : IKernel
{
    public string Shader => "measure/copy";

    public DispatchSize Workgroups => new((uint)(From.Length / (64 * 16 * VecsPerLane)));

    public void Bind(ref Bindings b)
    {
        b.Constant(VecsPerLane);
        b.Read(From);
        b.Write(To);
    }
}

/// <summary>Multiplies and adds in registers.</summary>
internal readonly record struct MeasureFma(BufferView Factors, BufferView Output, uint Rounds) : IKernel
{
    public string Shader => "measure/fma";

    public DispatchSize Workgroups => new((uint)(Output.Length / (64 * 4)));

    public void Bind(ref Bindings b)
    {
        b.Constant(Rounds);
        b.Read(Factors);
        b.Write(Output);
    }
}

/// <summary>What the device can do at all, measured: no kernel is expected above either.</summary>
/// <param name="BytesPerSecond">Read plus written by the better of a copying kernel and the driver's own copy.</param>
/// <param name="FlopsPerSecond">Of fused multiply-adds, two operations each.</param>
internal sealed record Roofs(double BytesPerSecond, double FlopsPerSecond)
{
    /// <summary>Measures both on buffers that do not fit the cache.</summary>
    public static Roofs Measure(GpuDevice device, CacheSize cache, CancellationToken cancellation)
    {
        var timer = new DispatchTimer(device);
        return new Roofs(Copy(device, timer, cache, cancellation), Fma(device, timer, cancellation));
    }

    private static double Copy(GpuDevice device, DispatchTimer timer, CacheSize cache, CancellationToken cancellation)
    {
        const uint vecsPerLane = 4, granularity = 64 * 16 * vecsPerLane;
        ulong largest = Math.Min(device.Limits.MaxStorageBufferRange, (ulong)(device.MemoryBudget - device.UsedMemory) / 4);
        ulong size = Math.Min((ulong)cache.Bytes, largest) / granularity * granularity;
        size = Math.Min(size, (ulong)device.Limits.MaxWorkgroupCount * granularity);
        using GpuBuffer from = device.CreateBuffer(size, BufferUse.Device, "copy from"),
            to = device.CreateBuffer(size, BufferUse.Device, "copy to");
        Prepare(device, recorder => recorder.Fill(from.View, 0x01020304));
        double kernel = timer.Run(recorder => recorder.Dispatch(new MeasureCopy(from.View, to.View, vecsPerLane)), 1, cancellation).Seconds;
        double driver = timer.Run(recorder => recorder.Copy(from.View, to.View), 1, cancellation).Seconds;
        return 2.0 * size / Math.Min(kernel, driver);
    }

    private static double Fma(GpuDevice device, DispatchTimer timer, CancellationToken cancellation)
    {
        const uint lanes = 1 << 16, rounds = 256;
        using GpuBuffer factors = device.CreateBuffer(8, BufferUse.Upload, "factors"),
            output = device.CreateBuffer(lanes * 4, BufferUse.Device, "sums");
        MemoryMarshal.Cast<byte, float>(factors.Map<byte>())[0] = 0.5f;
        MemoryMarshal.Cast<byte, float>(factors.Map<byte>())[1] = 1;
        factors.Flush();
        double seconds =
            timer.Run(recorder => recorder.Dispatch(new MeasureFma(factors.View, output.View, rounds)), 1, cancellation).Seconds;
        return lanes * (double)rounds * 64 * 2 / seconds;
    }

    private static void Prepare(GpuDevice device, Action<Recorder> record)
    {
        Recorder recorder = device.CreateRecorder();
        recorder.BeginStage("prepare");
        record(recorder);
        using Recording recording = recorder.Finish("prepare");
        device.Queue.Wait(device.Queue.Submit(recording, 0, 1));
    }
}
