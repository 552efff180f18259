using System.Runtime.InteropServices;
using MixtralVk.Kernels;
using QuantizeReference = MixtralVk.Reference.QuantizeRows;

namespace MixtralVk.Testing.Kernels;

/// <summary>Activations rounded to 8 bits: the words kernels read, and the values they stand for.</summary>
internal sealed class QuantizedRows
{
    public QuantizedRows(ReadOnlySpan<float> input, int cols)
    {
        var (quants, scales, sums) = QuantizeReference.Run(input);
        Values = QuantizeReference.Dequantize(quants, scales);
        int words = (int)QuantizeRows.WordsOf((uint)cols), blocks = cols / QuantizeReference.BlockCols;
        Words = new uint[input.Length / cols * words];
        for (int row = 0; row < input.Length / cols; row++)
        {
            Span<uint> to = Words.AsSpan(row * words, words);
            MemoryMarshal.Cast<sbyte, uint>(quants.AsSpan(row * cols, cols)).CopyTo(to);
            for (int b = 0; b < blocks; b++)
            {
                to[cols / 4 + 2 * b] = BitConverter.SingleToUInt32Bits(scales[row * blocks + b]);
                to[cols / 4 + 2 * b + 1] = BitConverter.SingleToUInt32Bits(sums[row * blocks + b]);
            }
        }
    }

    /// <summary>As the kernel leaves them.</summary>
    public uint[] Words { get; }

    /// <summary>What a product with them gives exactly.</summary>
    public float[] Values { get; }
}
