using System.Numerics;
using System.Runtime.CompilerServices;
using static MixtralVk.Quantization.PanelColumns;

namespace MixtralVk.Quantization;

/// <summary>16-bit IEEE floats.</summary>
internal sealed unsafe class F16 : Pairs
{
    public static readonly F16 Format = new();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Panel(byte* tile, int cols, int panel, int firstRow, int endRow, float* to)
    {
        int* words = Words(tile, cols, panel, out int count);
        for (int w = 0; w < count; w++)
            for (int r = firstRow; r < endRow; r += Vector<int>.Count)
            {
                var (even, odd) = Halves(Vector.Load(words + w * Rows + r));
                even.Store(to + 2 * w * Rows + r);
                odd.Store(to + (2 * w + 1) * Rows + r);
            }
    }
}
