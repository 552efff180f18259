using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>Room in the host's memory for pages of a KV cache that lies in the device's own, and the copies between them.</summary>
internal sealed class HostKvStore : IDisposable
{
    private const long MostBlockBytes = 64 << 20;

    private readonly GpuDevice _device;
    private readonly GpuKvCache _cache;
    private readonly ulong _poolBytes;  // of a page in one layer's keys or values
    private readonly int _layers, _firstPlace, _blockPages;
    private readonly List<GpuBuffer> _blocks = [];
    private readonly Queue<(int From, int To)> _moves = [];

    /// <param name="device">The device.</param>
    /// <param name="cache">The cache on it.</param>
    /// <param name="config">The model's sizes.</param>
    /// <param name="format">Storage of keys and values.</param>
    /// <param name="firstPlace">The first place that is in the host's memory.</param>
    /// <param name="pageCount">Pages to make room for.</param>
    public HostKvStore(GpuDevice device, GpuKvCache cache, ModelConfig config, KvFormat format, int firstPlace, int pageCount)
    {
        (_device, _cache, _layers, _firstPlace, _poolBytes) =
            (device, cache, config.LayerCount, firstPlace, (ulong)format.PoolBytes(config));
        _blockPages = (int)Math.Max(1, MostBlockBytes / format.PageBytes(config));
        try
        {
            for (int page = 0; page < pageCount; page += _blockPages)
                _blocks.Add(device.CreateBuffer((ulong)(Math.Min(_blockPages, pageCount - page) * format.PageBytes(config)),
                    BufferUse.ReadBack, "keys and values on the host"));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Moves that have been taken and not been made.</summary>
    public int Pending => _moves.Count;

    /// <summary>Takes the moves that the pool has noted, to be made after those taken before.</summary>
    public void Take(KvPages pages) => pages.TakeCopies(_moves);

    /// <summary>The next moves, so many, one after the other; they stay the next until they are <see cref="Made"/>.</summary>
    public Recording RecordMoves(int count)
    {
        Recorder recorder = _device.CreateRecorder();
        recorder.BeginStage("pages from and to the host");
        foreach ((int from, int to) in _moves.Take(count))
            for (int part = 0; part < 2 * _layers; part++) recorder.Copy(Part(from, part), Part(to, part));
        return recorder.Finish("pages from and to the host");
    }

    /// <summary>The next moves, so many, are done.</summary>
    public void Made(int count)
    {
        for (; count > 0; count--) _moves.Dequeue();
    }

    /// <summary>A layer's keys (even parts) or values of the page at a place.</summary>
    private BufferView Part(int place, int part)
    {
        if (place < _firstPlace) return _cache.Part(place, part);
        int page = place - _firstPlace;
        return _blocks[page / _blockPages].View.Slice(((ulong)(page % _blockPages) * 2 * (ulong)_layers + (ulong)part) * _poolBytes,
            _poolBytes);
    }

    public void Dispose()
    {
        foreach (GpuBuffer block in _blocks) block.Dispose();
    }
}
