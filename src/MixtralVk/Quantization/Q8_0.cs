using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>Blocks of 32. File: f16 scale d, 32 signed bytes q; value = q * d.</summary>
internal sealed unsafe class Q8_0() : BlockFormat(32, 34, TileSection.Words(2, 8), TileSection.Half(0))
{
    public static readonly Q8_0 Format = new();

    public override LevelCoding Levels { get; } = new(LevelSum.Signed);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int block, int firstRow, int endRow, float* to)
    {
        int* words = (int*)tile + (long)block * 8 * Rows;
        float* scales = stackalloc float[Rows];
        Scales((int*)tile + (long)cols / 32 * 8 * Rows, block, firstRow, endRow, scales);
        for (int w = 0; w < 8; w++)
            for (int r = firstRow; r < endRow; r += Vector<int>.Count)
                Signed(Vector.Load(words + w * Rows + r), Vector.Load(scales + r), to + 4 * w * Rows + r);
    }

    public override void Unpack(byte* tile, int cols, int first, ref LevelPanels to)
    {
        to.Words = (int*)tile + (long)first * 8 * Rows;
        Scales((int*)tile + (long)cols / 32 * 8 * Rows, first, 0, to.Count * Rows, to.Scales);
    }
}
