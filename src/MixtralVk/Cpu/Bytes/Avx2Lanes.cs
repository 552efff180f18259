using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MixtralVk.Cpu.Bytes;

/// <summary>AVX2: 8 rows, open sums in two 16-bit halves.</summary>
internal readonly unsafe struct Avx2Lanes : IByteLanes<Vector256<int>>
{
    public static bool IsSupported => Avx2.IsSupported;

    public static int Count => Vector256<int>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load(int* words) => Vector256.Load(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<int> register, int* words) => register.Store(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Nibbles(Vector256<int> words, bool high) => (high ? words >>> 4 : words) & Vector256.Create(0x0F0F0F0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Broadcast(int* word) => Vector256.Create(*word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Zero(int level) => Vector256.Create((short)-level).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Start(int pairs, Vector256<int> zero) => (Vector256.Create(pairs).AsInt16() * zero.AsInt16()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> open, Vector256<int> levels, Vector256<int> activations) =>
        (open.AsInt16() + Avx2.MultiplyAddAdjacent(levels.AsByte(), activations.AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddSigned(Vector256<int> sum, Vector256<int> bytes, Vector256<int> activations)
    {
        // |byte| * (activation with the byte's sign): a pair is at most 2 * 128 * 127, which 16 bits hold.
        return sum + Close(Avx2.MultiplyAddAdjacent(Avx2.Abs(bytes.AsSByte()), Avx2.Sign(activations.AsSByte(), bytes.AsSByte()))
            .AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Close(Vector256<int> open) => Avx2.MultiplyAddAdjacent(open.AsInt16(), Vector256<short>.One);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Close(Vector256<int> open, int* scales) =>
        Avx2.MultiplyAddAdjacent(open.AsInt16(), Vector256.Load((short*)scales));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Plus(Vector256<int> a, Vector256<int> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Accumulate(Vector256<int> products, float* scales, float scale, Vector256<int> sums) =>
        Sum(products, scales, scale, sums).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Accumulate(Vector256<int> products, float* scales, float scale, float* offsets, float activations,
        Vector256<int> sums) =>
        (Sum(products, scales, scale, sums) + Vector256.Load(offsets) * Vector256.Create(activations)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Sum(Vector256<int> products, float* scales, float scale, Vector256<int> sums) =>
        sums.AsSingle() + Vector256.ConvertToSingle(products) * (Vector256.Load(scales) * Vector256.Create(scale));
}
