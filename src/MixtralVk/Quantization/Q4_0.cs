using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 32. File: f16 scale d, 16 bytes; byte i holds column i in its low nibble and column i + 16 in the high one; value = (q - 8) *
/// d.
/// </summary>
internal sealed unsafe class Q4_0() : BlockFormat(32, 18, TileSection.Words(2, 4), TileSection.Half(0))
{
    public static readonly Q4_0 Format = new();

    public override LevelCoding Levels { get; } = new(LevelSum.Centred, Zero: 8);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int block, int firstRow, int endRow, float* to)
    {
        int* words = (int*)tile + (long)block * 4 * Rows;
        float* scales = stackalloc float[Rows];
        Scales((int*)tile + (long)cols / 32 * 4 * Rows, block, firstRow, endRow, scales);
        for (int r = firstRow; r < endRow; r += Vector<int>.Count)
        {
            Vector<float> scale = Vector.Load(scales + r);
            for (int w = 0; w < 4; w++)
            {
                // q ^ 8, read as a signed nibble, is q - 8.
                Vector<int> word = Vector.Load(words + w * Rows + r) ^ new Vector<int>(unchecked((int)0x88888888));
                float* low = to + 4 * w * Rows + r, high = low + 16 * Rows;
                (Vector.ConvertToSingle(word << 28 >> 28) * scale).Store(low);
                (Vector.ConvertToSingle(word << 20 >> 28) * scale).Store(low + Rows);
                (Vector.ConvertToSingle(word << 12 >> 28) * scale).Store(low + 2 * Rows);
                (Vector.ConvertToSingle(word << 4 >> 28) * scale).Store(low + 3 * Rows);
                (Vector.ConvertToSingle(word << 24 >> 28) * scale).Store(high);
                (Vector.ConvertToSingle(word << 16 >> 28) * scale).Store(high + Rows);
                (Vector.ConvertToSingle(word << 8 >> 28) * scale).Store(high + 2 * Rows);
                (Vector.ConvertToSingle(word >> 28) * scale).Store(high + 3 * Rows);
            }
        }
    }

    public override void Unpack(byte* tile, int cols, int first, ref LevelPanels to)
    {
        to.Packing = LevelPacking.NibbleHalves;
        to.Words = (int*)tile + (long)first * 4 * Rows;
        to.WordStep = 4 * Rows;
        Scales((int*)tile + (long)cols / 32 * 4 * Rows, first, 0, to.Count * Rows, to.Scales);
    }
}
