using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 256 in 16 sub-blocks of 16. File: 16 bytes with a 4-bit scale (low nibble) and a 4-bit minimum per sub-block, 64 bytes qs, f16
/// d, f16 dmin. Column 128 * half + 32 * k + l (k = 0..3) has its level in bits 2k, 2k + 1 of qs[32 * half + l]. Value = d * scale * q -
/// dmin * minimum.
/// </summary>
internal sealed unsafe class Q2_K() : BlockFormat(256, 84, TileSection.Words(0, 21))
{
    public static readonly Q2_K Format = new();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int panel, int firstRow, int endRow, float* to)
    {
        int block = panel / 8, half = panel % 8 / 4, k = panel % 4;
        int* words = (int*)tile + (long)block * 21 * Rows;
        // The word with this panel's two bytes of scales, its levels, and the word of d and dmin.
        int* subScales = words + (half * 2 + k / 2) * Rows, levels = words + (4 + half * 8) * Rows, header = words + 20 * Rows;
        var nibble = new Vector<int>(15);
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            var (d, dmin) = Halves(Vector.Load(header + r));
            Vector<int> pair = Vector.Load(subScales + r) >>> (16 * (k & 1));
            for (int w = 0; w < 8; w++)
            {
                Vector<int> packed = w < 4 ? pair : pair >>> 8;
                Vector<float> scale = d * Vector.ConvertToSingle(packed & nibble),
                    offset = -(dmin * Vector.ConvertToSingle(packed >>> 4 & nibble));
                Offset(Vector.Load(levels + w * Rows + r) >>> (2 * k) & new Vector<int>(0x03030303), scale, offset, to + 4 * w * Rows + r);
            }
        }
    }
}
