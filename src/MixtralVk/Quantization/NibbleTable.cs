using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MixtralVk.Quantization;

/// <summary>The values that the nibbles of IQ4_NL and IQ4_XS stand for (ggml-common.h, kvalues_iq4nl).</summary>
internal static unsafe class NibbleTable
{
    /// <summary>Words that <see cref="Run"/> writes: 32 columns of 64 rows, a byte each.</summary>
    public const int Words = 8 * RowTileLayout.TileRows;

    /// <summary>
    /// 32 columns of nibbles, in four words as in <see cref="Q4_0"/>, become signed bytes in eight: the columns 4w .. 4w + 3 in word w.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(int* nibbles, int firstRow, int endRow, int* bytes)
    {
        const int next = RowTileLayout.TileRows;
        Vector128<byte> values = Vector128.Create((sbyte)-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113).AsByte();
        var mask = Vector128.Create((byte)15);
        for (int w = 0; w < 4; w++)
            for (int r = firstRow; r < endRow; r += Vector128<int>.Count)
            {
                Vector128<byte> word = Vector128.Load(nibbles + w * next + r).AsByte();
                Vector128.Shuffle(values, word & mask).AsInt32().Store(bytes + w * next + r);
                Vector128.Shuffle(values, word >>> 4).AsInt32().Store(bytes + (4 + w) * next + r);
            }
    }
}
