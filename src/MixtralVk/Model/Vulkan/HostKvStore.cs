using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>Room in the host's memory for pages of a KV cache that lies in the device's own.</summary>
internal sealed class HostKvStore : IDisposable
{
    private const long MostBlockBytes = 64 << 20;

    private readonly GpuDevice _device;
    private readonly GpuKvCache _cache;
    private readonly ulong _poolBytes;  // of a page in one layer's keys or values
    private readonly int _layers, _firstPlace, _blockPages;
    private readonly List<GpuBuffer> _blocks = [];
    private readonly List<(int From, int To)> _copies = [];

    /// <param name="device">The device.</param>
    /// <param name="cache">The cache on it.</param>
    /// <param name="config">The model's sizes.</param>
    /// <param name="format">Storage of keys and values.</param>
    /// <param name="firstPlace">The first place that is in the host's memory.</param>
    /// <param name="pageCount">Pages to make room for.</param>
    public HostKvStore(GpuDevice device, GpuKvCache cache, ModelConfig config, KvFormat format, int firstPlace, int pageCount)
    {
        (_device, _cache, _layers, _firstPlace, _poolBytes) = (device, cache, config.LayerCount, firstPlace, (ulong)format.PoolBytes(config));
        _blockPages = (int)Math.Max(1, MostBlockBytes / format.PageBytes(config));
        try
        {
            for (int page = 0; page < pageCount; page += _blockPages)
                _blocks.Add(device.CreateBuffer((ulong)(Math.Min(_blockPages, pageCount - page) * format.PageBytes(config)), BufferUse.ReadBack, "keys and values on the host"));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Makes the copies that the pool has noted, one after the other, and waits for them.</summary>
    public void Copy(KvPages pages)
    {
        pages.TakeCopies(_copies);
        if (_copies.Count == 0) return;
        Recorder recorder = _device.CreateRecorder();
        recorder.BeginStage("pages from and to the host");
        foreach ((int from, int to) in _copies)
            for (int part = 0; part < 2 * _layers; part++) recorder.Copy(Part(from, part), Part(to, part));
        using Recording recording = recorder.Finish("pages from and to the host");
        _device.Queue.Wait(_device.Queue.Submit(recording, 0, 1));
        _copies.Clear();
    }

    /// <summary>A layer's keys (even parts) or values of the page at a place.</summary>
    private BufferView Part(int place, int part)
    {
        if (place < _firstPlace)
        {
            BufferView pool = part % 2 == 0 ? _cache.Keys(part / 2) : _cache.Values(part / 2);
            return pool.Slice((ulong)place * _poolBytes, _poolBytes);
        }
        int page = place - _firstPlace;
        return _blocks[page / _blockPages].View.Slice(((ulong)(page % _blockPages) * 2 * (ulong)_layers + (ulong)part) * _poolBytes, _poolBytes);
    }

    public void Dispose()
    {
        foreach (GpuBuffer block in _blocks) block.Dispose();
    }
}
