using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace MixtralVk;

/// <summary>What the kernels do to a register of floats beyond plain arithmetic.</summary>
internal static unsafe class Lanes
{
    /// <summary>a * b + c, rounded once where the processor can: always the same on one machine, whatever the compiler's tier.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> MultiplyAdd(Vector<float> a, Vector<float> b, Vector<float> c) =>
        Fma.IsSupported || AdvSimd.IsSupported ? Vector.FusedMultiplyAdd(a, b, c) : a * b + c;

    /// <summary>The floats of 16-bit floats that lie in the low halves of the lanes (the upper halves are zero).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> FromHalf(Vector<int> half)
    {
        // Exponent and fraction move to their places in a float; the product with 2^112 corrects the bias and makes subnormals normal.
        Vector<int> magnitude = (half & new Vector<int>(0x7FFF)) << 13;
        Vector<int> scaled = Vector.AsVectorInt32(Vector.AsVectorSingle(magnitude) * new Vector<float>(5.192296858534828e33f));
        Vector<int> notFinite = Vector.GreaterThan(magnitude, new Vector<int>(0x0F7FFFFF)) & new Vector<int>(0x7F800000);
        return Vector.AsVectorSingle(scaled | notFinite | (half & new Vector<int>(0x8000)) << 16);
    }

    /// <summary>The same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> FromHalf(Vector512<int> half)
    {
        Vector512<int> magnitude = (half & Vector512.Create(0x7FFF)) << 13;
        Vector512<int> scaled = (magnitude.AsSingle() * Vector512.Create(5.192296858534828e33f)).AsInt32();
        Vector512<int> notFinite = Vector512.GreaterThan(magnitude, Vector512.Create(0x0F7FFFFF)) & Vector512.Create(0x7F800000);
        return (scaled | notFinite | (half & Vector512.Create(0x8000)) << 16).AsSingle();
    }

    /// <summary>Converts <paramref name="count"/> 16-bit floats that lie side by side.</summary>
    public static void FromHalves(ushort* halves, float* floats, int count)
    {
        int i = 0;
        if (Vector512.IsHardwareAccelerated)
            for (; i <= count - Vector512<float>.Count; i += Vector512<float>.Count)
                FromHalf(Vector512.WidenLower(Vector256.Load(halves + i).ToVector512Unsafe()).AsInt32()).Store(floats + i);
        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(Vector.Load(halves + i), out Vector<uint> first, out Vector<uint> second);
            FromHalf(Vector.AsVectorInt32(first)).Store(floats + i);
            FromHalf(Vector.AsVectorInt32(second)).Store(floats + i + Vector<float>.Count);
        }
        for (; i < count; i++) floats[i] = (float)BitConverter.UInt16BitsToHalf(halves[i]);
    }

    /// <summary>Converts <paramref name="count"/> integers that lie side by side, times <paramref name="scale"/>.</summary>
    public static void FromBytes(sbyte* bytes, float scale, float* floats, int count)
    {
        var step = new Vector<float>(scale);
        int i = 0;
        for (; i <= count - Vector<sbyte>.Count; i += Vector<sbyte>.Count)
        {
            Vector.Widen(Vector.Load(bytes + i), out Vector<short> low, out Vector<short> high);
            Widened(low, step, floats + i);
            Widened(high, step, floats + i + Vector<short>.Count);
        }
        for (; i < count; i++) floats[i] = bytes[i] * scale;

        static void Widened(Vector<short> shorts, Vector<float> step, float* to)
        {
            Vector.Widen(shorts, out Vector<int> low, out Vector<int> high);
            (Vector.ConvertToSingle(low) * step).Store(to);
            (Vector.ConvertToSingle(high) * step).Store(to + Vector<int>.Count);
        }
    }

    /// <summary>True when none of the values is NaN or infinite.</summary>
    public static bool AllFinite(float* values, int count)
    {
        Vector<int> exponent = new(0x7F800000), bad = Vector<int>.Zero;
        int i = 0;
        for (; i <= count - Vector<int>.Count; i += Vector<int>.Count)
            bad |= Vector.Equals(Vector.Load((int*)values + i) & exponent, exponent);
        bool finite = bad == Vector<int>.Zero;
        for (; i < count; i++) finite &= float.IsFinite(values[i]);
        return finite;
    }

    /// <summary>Sum of products, in an order that depends on the count and the register width only.</summary>
    public static float Dot(float* a, float* b, int count)
    {
        var sum = Vector<float>.Zero;
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count) sum = MultiplyAdd(Vector.Load(a + i), Vector.Load(b + i), sum);
        float total = Vector.Sum(sum);
        for (; i < count; i++) total += a[i] * b[i];
        return total;
    }
}
