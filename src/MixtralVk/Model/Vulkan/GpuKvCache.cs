using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// The KV cache on the device: per layer one pool of keys [page][kvHead][headDim][32] and one of values [page][kvHead][32][headDim].
/// </summary>
internal sealed class GpuKvCache : IDisposable
{
    private readonly GpuBuffer[] _keys, _values;

    public GpuKvCache(GpuDevice device, ModelConfig config, KvFormat format, int pageCount)
    {
        _keys = new GpuBuffer[config.LayerCount];
        _values = new GpuBuffer[config.LayerCount];
        ulong pageBytes = (ulong)(KvPages.PageTokens * config.KvDim) * (format switch { KvFormat.F16 => 2u, KvFormat.F32 => 4u });
        ulong bytes = pageBytes * (ulong)pageCount;
        if (bytes > device.Limits.MaxStorageBufferRange)
            throw new GpuModelException($"The KV cache holds at most {device.Limits.MaxStorageBufferRange / pageBytes * KvPages.PageTokens} tokens on this device; open the model with a smaller context.");
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

    public BufferView Keys(int layer) => _keys[layer].View;

    public BufferView Values(int layer) => _values[layer].View;

    public void Dispose()
    {
        foreach (GpuBuffer? buffer in _keys.Concat(_values)) buffer?.Dispose();
    }
}
