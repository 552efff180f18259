using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu.Bytes;

/// <summary>
/// The weights of the next panels, fetched into the second-level cache while others are multiplied: their scales, which the processor does
/// not see coming, and their levels where what is multiplied are copies, as memory would rest meanwhile. Levels read in place come in time
/// by themselves, but for those a tile begins with. Only x86 has instructions for it.
/// </summary>
internal readonly unsafe struct Ahead
{
    private const int CacheLine = 64;

    private readonly byte* _levels, _scales;
    private readonly int _levelBytes, _scaleBytes;

    /// <summary>Panels of a tile from <paramref name="panel"/> on. Past the last one lies something else, which does no harm.</summary>
    public Ahead(BlockFormat format, byte* tile, int panels, int panel, bool withLevels)
    {
        _levels = tile + (long)panel * format.LevelBytes;
        _levelBytes = withLevels ? format.LevelBytes : 0;
        _scales = tile + (long)panels * format.LevelBytes + (long)panel * format.ScaleBytes;
        _scaleBytes = format.ScaleBytes;
    }

    /// <summary>Asks for one panel, the first of them being 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fetch(int panel)
    {
        if (!Sse.IsSupported) return;
        byte* levels = _levels + panel * _levelBytes, scales = _scales + panel * _scaleBytes;
        for (int i = 0; i < _levelBytes; i += CacheLine) Sse.Prefetch1(levels + i);
        for (int i = 0; i < _scaleBytes; i += CacheLine) Sse.Prefetch1(scales + i);
    }
}
