using System.Numerics;
using System.Runtime.CompilerServices;

namespace MixtralVk.Quantization;

/// <summary>
/// The five-bit values of Q5_0 and Q5_1: four bits as in <see cref="Q4_0"/>, the fifth ones in a word, bit c for column c.
/// </summary>
internal static class FifthBits
{
    /// <summary>
    /// Four columns as bytes; <paramref name="low"/>: their low four bits in the low nibbles; <paramref name="high"/>: their fifth bits
    /// lowest.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Join(Vector<int> low, Vector<int> high)
    {
        // The product puts a copy of the four bits at 4, 11, 18 and 25: bit i of copy i is bit 4 of byte i, and no copies overlap.
        Vector<int> copies = (high & new Vector<int>(15)) * new Vector<int>(1 << 4 | 1 << 11 | 1 << 18 | 1 << 25);
        return low & new Vector<int>(0x0F0F0F0F) | copies & new Vector<int>(0x10101010);
    }
}
