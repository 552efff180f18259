using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>
/// Keys and values of all layers. Per layer, K is (page, kvHead, headDim, 32 tokens) so that lanes own keys (f16: dimensions in pairs,
/// a 32-bit word of two per token), V is (page, kvHead, 32 tokens, headDim). A struct of pointers into memory that somebody else owns.
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

    private long BlockBytes => (long)KvPages.PageTokens * headDim * (format == KvFormat.F16 ? 2 : 4);

    private long PoolBytes => (long)pageCount * kvHeads * BlockBytes;
}
