using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>
/// Timestamps that a recording writes on the device (<see cref="Recorder.Timestamp"/>), read when it has run. The owner disposes it after
/// the recordings that use it.
/// </summary>
public sealed unsafe class GpuTimer : IDisposable
{
    private readonly GpuDevice _device;
    private readonly int _validBits;
    private bool _disposed;

    internal GpuTimer(GpuDevice device, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        _device = device;
        _validBits = device.TimestampBits;
        if (_validBits == 0) throw new GpuUnsupportedException(device.Description.Name, ["timestamps on its compute queue"]);
        Count = count;
        var info = new QueryPoolCreateInfo(queryType: QueryType.Timestamp, queryCount: (uint)count);
        QueryPool pool;
        device.Vk.CreateQueryPool(device.Handle, &info, null, &pool).ThrowOnError("vkCreateQueryPool");
        Pool = pool;
        device.Names.Set(ObjectType.QueryPool, pool.Handle, "timer");
    }

    /// <summary>Number of timestamps.</summary>
    public int Count { get; }

    internal QueryPool Pool { get; }

    /// <summary>Seconds between two timestamps of a submission that has finished.</summary>
    public double Seconds(int from, int to)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)from, (uint)Count, nameof(from));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)to, (uint)Count, nameof(to));
        // The counter wraps around at its number of valid bits.
        ulong ticks = Read(to) - Read(from);
        if (_validBits < 64) ticks &= (1ul << _validBits) - 1;
        return ticks * (double)_device.Limits.TimestampPeriod * 1e-9;
    }

    private ulong Read(int index)
    {
        ulong ticks;
        _device.Vk.GetQueryPoolResults(_device.Handle, Pool, (uint)index, 1, sizeof(ulong), &ticks, sizeof(ulong),
            QueryResultFlags.Result64Bit | QueryResultFlags.ResultWaitBit)
            .ThrowOnError("vkGetQueryPoolResults");
        return ticks;
    }

    /// <summary>Frees the timestamps.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _device.Vk.DestroyQueryPool(_device.Handle, Pool, null);
    }
}
