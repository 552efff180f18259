using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 256 in 8 sub-blocks of 32. File: f16 d, 16 bits with the upper two bits of each sub-block's scale, 4 bytes with the lower
/// four, 128 bytes of nibbles, each 16 of them as in <see cref="Q4_0"/>. Value = d * (scale - 32) * table[q], see
/// <see cref="NibbleTable"/>.
/// </summary>
internal sealed unsafe class IQ4_XS() : BlockFormat(256, 136, TileSection.Words(0, 34))
{
    public static readonly IQ4_XS Format = new();

    public override LevelCoding Levels { get; } = new(LevelSum.Signed);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int panel, int firstRow, int endRow, float* to)
    {
        int block = panel / 8, sub = panel % 8;
        int* header = (int*)tile + (long)block * 34 * Rows, bytes = stackalloc int[NibbleTable.Words];
        NibbleTable.Run(header + (2 + 4 * sub) * Rows, firstRow, endRow, bytes);
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            Vector<float> scale = Scale(Vector.Load(header + r), Vector.Load(header + Rows + r), sub);
            for (int w = 0; w < 8; w++) Signed(Vector.Load(bytes + w * Rows + r), scale, to + 4 * w * Rows + r);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Unpack(byte* tile, int cols, int panel, ref LevelPanels to)
    {
        int block = panel / 8;
        int* header = (int*)tile + (long)block * 34 * Rows;
        for (int sub = 0; sub < LevelPanels.Most; sub++)
        {
            NibbleTable.Run(header + (2 + 4 * sub) * Rows, 0, Rows, to.WordMemory + sub * NibbleTable.Words);
            for (int r = 0; r < Rows; r += Vector<int>.Count)
                Scale(Vector.Load(header + r), Vector.Load(header + Rows + r), sub).Store(to.Scales + sub * Rows + r);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Scale(Vector<int> first, Vector<int> lowScales, int sub)
    {
        Vector<int> subScale = lowScales >>> (4 * sub) & new Vector<int>(15) | (first >>> (16 + 2 * sub) & new Vector<int>(3)) << 4;
        return Lanes.FromHalf(first & new Vector<int>(0xFFFF)) * Vector.ConvertToSingle(subScale - new Vector<int>(32));
    }
}
