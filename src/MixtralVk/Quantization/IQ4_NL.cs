using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 32. File: f16 scale d, 16 bytes of nibbles as in <see cref="Q4_0"/>; value = d * table[q], see <see cref="NibbleTable"/>.
/// </summary>
internal sealed unsafe class IQ4_NL() : BlockFormat(32, 18, TileSection.Words(2, 4), TileSection.Half(0))
{
    public static readonly IQ4_NL Format = new();

    public override LevelCoding Levels { get; } = new(LevelSum.Signed);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int block, int firstRow, int endRow, float* to)
    {
        int* bytes = stackalloc int[NibbleTable.Words];
        float* scales = stackalloc float[Rows];
        NibbleTable.Run((int*)tile + (long)block * 4 * Rows, firstRow, endRow, bytes);
        Scales((int*)tile + (long)cols / 32 * 4 * Rows, block, firstRow, endRow, scales);
        for (int w = 0; w < 8; w++)
            for (int r = firstRow; r < endRow; r += Vector<int>.Count)
                Signed(Vector.Load(bytes + w * Rows + r), Vector.Load(scales + r), to + 4 * w * Rows + r);
    }

    public override void Unpack(byte* tile, int cols, int first, ref LevelPanels to)
    {
        int* nibbles = (int*)tile + (long)first * 4 * Rows;
        for (int i = 0; i < to.Count; i++) NibbleTable.Run(nibbles + i * 4 * Rows, 0, Rows, to.WordMemory + i * NibbleTable.Words);
        Scales((int*)tile + (long)cols / 32 * 4 * Rows, first, 0, to.Count * Rows, to.Scales);
    }
}
