using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MixtralVk.Cpu.Bytes;

/// <summary>AVX-512BW: 16 rows, open sums in two 16-bit halves.</summary>
internal readonly unsafe struct Avx512Lanes : IByteLanes<Vector512<int>>
{
    public static bool IsSupported => Avx512BW.IsSupported;

    public static int Count => Vector512<int>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Load(int* words) => Vector512.Load(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<int> register, int* words) => register.Store(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Nibbles(Vector512<int> words, bool high) => (high ? words >>> 4 : words) & Vector512.Create(0x0F0F0F0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Broadcast(int* word) => Vector512.Create(*word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Zero(int level) => Vector512.Create((short)-level).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Start(int pairs, Vector512<int> zero) => (Vector512.Create(pairs).AsInt16() * zero.AsInt16()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> open, Vector512<int> levels, Vector512<int> activations) =>
        (open.AsInt16() + Avx512BW.MultiplyAddAdjacent(levels.AsByte(), activations.AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> AddSigned(Vector512<int> sum, Vector512<int> bytes, Vector512<int> activations)
    {
        // |byte| * (activation with the byte's sign): a pair is at most 2 * 128 * 127, which 16 bits hold.
        Vector512<sbyte> negative = Vector512.LessThan(bytes.AsSByte(), Vector512<sbyte>.Zero);
        Vector512<sbyte> signed = Vector512.ConditionalSelect(negative, -activations.AsSByte(), activations.AsSByte());
        return sum + Close(Avx512BW.MultiplyAddAdjacent(Avx512BW.Abs(bytes.AsSByte()), signed).AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Close(Vector512<int> open) => Avx512BW.MultiplyAddAdjacent(open.AsInt16(), Vector512<short>.One);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Close(Vector512<int> open, int* scales) =>
        Avx512BW.MultiplyAddAdjacent(open.AsInt16(), Vector512.Load((short*)scales));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Plus(Vector512<int> a, Vector512<int> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Accumulate(Vector512<int> products, float* scales, float scale, Vector512<int> sums) =>
        Sum(products, scales, scale, sums).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Accumulate(Vector512<int> products, float* scales, float scale, float* offsets, float activations,
        Vector512<int> sums) =>
        (Sum(products, scales, scale, sums) + Vector512.Load(offsets) * Vector512.Create(activations)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Sum(Vector512<int> products, float* scales, float scale, Vector512<int> sums) =>
        sums.AsSingle() + Vector512.ConvertToSingle(products) * (Vector512.Load(scales) * Vector512.Create(scale));
}
