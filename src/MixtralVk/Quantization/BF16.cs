using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>The upper halves of 32-bit floats.</summary>
internal sealed unsafe class BF16 : Pairs
{
    public static readonly BF16 Format = new();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int panel, int firstRow, int endRow, float* to)
    {
        int* words = Words(tile, cols, panel, out int count);
        for (int w = 0; w < count; w++)
            for (int r = firstRow; r < endRow; r += Vector<int>.Count)
            {
                Vector<int> word = Vector.Load(words + w * Rows + r);
                (word << 16).Store((int*)to + 2 * w * Rows + r);
                (word & new Vector<int>(unchecked((int)0xFFFF0000))).Store((int*)to + (2 * w + 1) * Rows + r);
            }
    }
}
