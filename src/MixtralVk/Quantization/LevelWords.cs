using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MixtralVk.Quantization;

/// <summary>What the formats' <see cref="BlockFormat.Unpack"/> is made of; rows of a word are 64 apart.</summary>
internal static unsafe class LevelWords
{
    private const int Rows = RowTileLayout.TileRows;

    /// <summary>The low nibbles of <paramref name="count"/> words of every row as so many words, then the high ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Nibbles(int* words, int count, int* levels)
    {
        int* high = levels + count * Rows;
        if (Vector512.IsHardwareAccelerated)
        {
            var wideMask = Vector512.Create(0x0F0F0F0F);
            for (int at = 0; at < count * Rows; at += Vector512<int>.Count)
            {
                Vector512<int> word = Vector512.Load(words + at);
                (word & wideMask).Store(levels + at);
                (word >>> 4 & wideMask).Store(high + at);
            }
            return;
        }
        var mask = new Vector<int>(0x0F0F0F0F);
        for (int at = 0; at < count * Rows; at += Vector<int>.Count)
        {
            Vector<int> word = Vector.Load(words + at);
            (word & mask).Store(levels + at);
            (word >>> 4 & mask).Store(high + at);
        }
    }

    /// <summary>32 five-bit columns: nibbles as in <see cref="Q4_0"/> and a word with the fifth bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FiveBits(int* fifth, int* words, int* levels)
    {
        for (int r = 0; r < Rows; r += Vector<int>.Count)
        {
            Vector<int> high = Vector.Load(fifth + r);
            for (int w = 0; w < 4; w++)
            {
                Vector<int> word = Vector.Load(words + w * Rows + r);
                FifthBits.Join(word, high >>> (4 * w)).Store(levels + w * Rows + r);
                FifthBits.Join(word >>> 4, high >>> (16 + 4 * w)).Store(levels + (4 + w) * Rows + r);
            }
        }
    }

    /// <summary>A word of two halves of each row, scale and offset, of panels whose words are <paramref name="step"/> apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScalesAndOffsets(int* header, int step, in LevelPanels to)
    {
        for (int i = 0; i < to.Count; i++, header += step)
            for (int r = 0; r < Rows; r += Vector<int>.Count)
            {
                var (scale, offset) = PanelColumns.Halves(Vector.Load(header + r));
                scale.Store(to.Scales + i * Rows + r);
                offset.Store(to.Offsets + i * Rows + r);
            }
    }

    /// <summary>A signed 8-bit number in the lowest byte, in both halves of a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> InBothHalves(Vector<int> number)
    {
        Vector<int> high = number << 24 >> 8;
        return high | high >>> 16;
    }
}
