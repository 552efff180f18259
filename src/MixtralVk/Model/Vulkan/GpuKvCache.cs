using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// The KV cache on the device: per layer one pool of keys and one of values (docs/design.md).
/// </summary>
internal sealed class GpuKvCache : IDisposable
{
    private readonly GpuBuffer[] _keys, _values;
    private readonly ulong _poolBytes; // of a page in one layer's keys or values

    public GpuKvCache(GpuDevice device, ModelConfig config, KvFormat format, int pageCount)
    {
        _keys = new GpuBuffer[config.LayerCount];
        _values = new GpuBuffer[config.LayerCount];
        RefuseTooLarge(device, config, format, pageCount);
        _poolBytes = (ulong)format.PoolBytes(config);
        ulong bytes = _poolBytes * (ulong)pageCount;
        try
        {
            for (int layer = 0; layer < config.LayerCount; layer++)
            {
                _keys[layer] = device.CreateBuffer(bytes, BufferUse.Device, $"keys {layer}");
                _values[layer] = device.CreateBuffer(bytes, BufferUse.Device, $"values {layer}");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A layer's keys, or values, are bound whole.</summary>
    public static int MostPages(GpuDevice device, ModelConfig config, KvFormat format) =>
        (int)Math.Min(int.MaxValue, device.Limits.MaxStorageBufferRange / (ulong)format.PoolBytes(config));

    /// <summary>Throws <see cref="GpuModelException"/> for more pages than the device can bind.</summary>
    public static void RefuseTooLarge(GpuDevice device, ModelConfig config, KvFormat format, int pageCount)
    {
        int most = MostPages(device, config, format);
        if (pageCount > most)
            throw new GpuModelException(
                $"The KV cache holds at most {(long)most * KvPages.PageTokens} tokens on this device; open the model with a smaller context.");
    }

    public BufferView Keys(int layer) => _keys[layer].View;

    public BufferView Values(int layer) => _values[layer].View;

    /// <summary>A layer's keys (even parts) or values of a page.</summary>
    public BufferView Part(int page, int part) =>
        (part % 2 == 0 ? Keys(part / 2) : Values(part / 2)).Slice((ulong)page * _poolBytes, _poolBytes);

    public void Dispose()
    {
        foreach (GpuBuffer? buffer in _keys.Concat(_values)) buffer?.Dispose();
    }
}
