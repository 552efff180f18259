using System.Numerics;
using System.Runtime.CompilerServices;

namespace MixtralVk.Cpu.Bytes;

/// <summary>Any processor: a register of any width, open sums in two 16-bit halves.</summary>
internal readonly unsafe struct PortableLanes : IByteLanes<Vector<int>>
{
    public static bool IsSupported => true;

    public static int Count => Vector<int>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Load(int* words) => Vector.Load(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<int> register, int* words) => register.Store(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Nibbles(Vector<int> words, bool high) => (high ? words >>> 4 : words) & new Vector<int>(0x0F0F0F0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Broadcast(int* word) => new Vector<int>(*word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Zero(int level) => Vector.AsVectorInt32(new Vector<short>((short)-level));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Start(int pairs, Vector<int> zero) =>
        Vector.AsVectorInt32(Vector.AsVectorInt16(new Vector<int>(pairs)) * Vector.AsVectorInt16(zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Add(Vector<int> open, Vector<int> levels, Vector<int> activations) =>
        Vector.AsVectorInt32(Vector.AsVectorInt16(open) + Pairs(levels, activations));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> AddSigned(Vector<int> sum, Vector<int> bytes, Vector<int> activations) =>
        sum + Close(Vector.AsVectorInt32(Pairs(bytes, activations)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Close(Vector<int> open) => (open << 16 >> 16) + (open >> 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Close(Vector<int> open, int* scales) =>
        Close(open) * (Vector.Load(scales) >> 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Plus(Vector<int> a, Vector<int> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Accumulate(Vector<int> products, float* scales, float scale, Vector<int> sums) =>
        Vector.AsVectorInt32(Sum(products, scales, scale, sums));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Accumulate(Vector<int> products, float* scales, float scale, float* offsets, float activations,
        Vector<int> sums) =>
        Vector.AsVectorInt32(Sum(products, scales, scale, sums) + Vector.Load(offsets) * new Vector<float>(activations));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Sum(Vector<int> products, float* scales, float scale, Vector<int> sums) =>
        Vector.AsVectorSingle(sums) + Vector.ConvertToSingle(products) * (Vector.Load(scales) * new Vector<float>(scale));

    /// <summary>Products of neighbouring bytes, summed by pairs; a pair of a byte and an activation is at most 2 * 128 * 127.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<short> Pairs(Vector<int> bytes, Vector<int> activations)
    {
        Vector<short> b = Vector.AsVectorInt16(bytes), a = Vector.AsVectorInt16(activations);
        return (b << 8 >> 8) * (a << 8 >> 8) + (b >> 8) * (a >> 8);
    }
}
