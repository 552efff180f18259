using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>
/// Keys and values of all layers, a pool of either per layer, laid out as on a GPU (docs/design.md): lanes own keys in K and dimensions in
/// V. A struct of pointers into memory that somebody else owns.
/// </summary>
internal readonly unsafe struct KvCache(byte* data, KvFormat format, int pageCount, int kvHeads, int headDim)
{
    /// <summary>Storage of an element.</summary>
    public KvFormat Format => format;

    /// <summary>Key/value heads.</summary>
    public int KvHeads => kvHeads;

    /// <summary>Length of a head.</summary>
    public int HeadDim => headDim;

    /// <summary>Bytes of the cache of a model with <paramref name="layers"/> layers.</summary>
    public long Bytes(int layers) => 2L * layers * PoolBytes;

    /// <summary>Keys of one head in one page.</summary>
    public byte* Keys(int layer, int page, int kvHead) => data + 2L * layer * PoolBytes + ((long)page * kvHeads + kvHead) * BlockBytes;

    /// <summary>Values of one head in one page.</summary>
    public byte* Values(int layer, int page, int kvHead) => Keys(layer, page, kvHead) + PoolBytes;

    private long BlockBytes => format.HeadBytes(headDim);

    private long PoolBytes => (long)pageCount * kvHeads * BlockBytes;
}
