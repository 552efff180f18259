using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace MixtralVk.Cpu.Bytes;

/// <summary>Arm dot product: 4 rows, open sums in 32 bits.</summary>
internal readonly unsafe struct ArmDotLanes : IByteLanes<Vector128<int>>
{
    public static bool IsSupported => Dp.IsSupported;

    public static int Count => Vector128<int>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Load(int* words) => Vector128.Load(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<int> register, int* words) => register.Store(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Nibbles(Vector128<int> words, bool high) => (high ? words >>> 4 : words) & Vector128.Create(0x0F0F0F0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Broadcast(int* word) => Vector128.Create(*word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Zero(int level) => Vector128.Create(-level);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Start(int pairs, Vector128<int> zero) => Vector128.Create((short)pairs + (pairs >> 16)) * zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Add(Vector128<int> open, Vector128<int> levels, Vector128<int> activations) =>
        Dp.DotProduct(open, levels.AsSByte(), activations.AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> AddSigned(Vector128<int> sum, Vector128<int> bytes, Vector128<int> activations) =>
        Dp.DotProduct(sum, bytes.AsSByte(), activations.AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Close(Vector128<int> open) => open;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Close(Vector128<int> open, int* scales) =>
        open * (Vector128.Load(scales) >> 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Plus(Vector128<int> a, Vector128<int> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Accumulate(Vector128<int> products, float* scales, float scale, Vector128<int> sums) =>
        Sum(products, scales, scale, sums).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Accumulate(Vector128<int> products, float* scales, float scale, float* offsets, float activations,
        Vector128<int> sums) =>
        (Sum(products, scales, scale, sums) + Vector128.Load(offsets) * Vector128.Create(activations)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Sum(Vector128<int> products, float* scales, float scale, Vector128<int> sums) =>
        sums.AsSingle() + Vector128.ConvertToSingle(products) * (Vector128.Load(scales) * Vector128.Create(scale));
}
