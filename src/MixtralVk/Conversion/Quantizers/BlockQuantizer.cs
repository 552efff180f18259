using System.Buffers.Binary;
using MixtralVk.Loading;

namespace MixtralVk.Conversion.Quantizers;

/// <summary>
/// Turns rows of floats into the blocks of one GGUF type, so that the sum over the columns of importance * (value - stored value)^2 is
/// small. Thread-safe; the same input gives the same bytes on every machine. Values must be finite and at most <see cref="Largest"/>.
/// </summary>
internal abstract class BlockQuantizer
{
    /// <summary>Largest magnitude of a value: scales are 16-bit floats.</summary>
    public virtual float Largest => 65504;

    /// <summary>The quantizer of a type, or null where this program cannot write the type.</summary>
    public static BlockQuantizer? Of(GgmlType type) => type switch
    {
        GgmlType.F32 => F32Quantizer.Instance,
        GgmlType.F16 => F16Quantizer.Instance,
        GgmlType.BF16 => BF16Quantizer.Instance,
        GgmlType.Q4_0 => SymmetricQuantizer.Q4_0,
        GgmlType.Q5_0 => SymmetricQuantizer.Q5_0,
        GgmlType.Q5_1 => Q5_1Quantizer.Instance,
        GgmlType.Q8_0 => Q8_0Quantizer.Instance,
        GgmlType.Q4_K => AffineSuperBlockQuantizer.Q4_K,
        GgmlType.Q5_K => AffineSuperBlockQuantizer.Q5_K,
        GgmlType.Q6_K => Q6_KQuantizer.Instance,
        _ => null,
    };

    /// <summary>
    /// Writes a row. <paramref name="importance"/> has a positive number per column, <paramref name="blocks"/> exactly the row's blocks.
    /// </summary>
    public abstract void QuantizeRow(ReadOnlySpan<float> row, ReadOnlySpan<float> importance, Span<byte> blocks);

    /// <summary>Writes a scale and returns what a reader will get.</summary>
    protected static float WriteHalf(Span<byte> to, float value)
    {
        var half = (Half)value;
        BinaryPrimitives.WriteHalfLittleEndian(to, half);
        return (float)half;
    }

    /// <summary>The level nearest to a value.</summary>
    protected static int Level(float value, float inverse, int least, int most) =>
        (int)Math.Clamp(MathF.Round(value * inverse), least, most);

    /// <summary>1 / scale, or 0 for a scale of zero or one too small to divide by, so that all levels are zero.</summary>
    protected static float Inverse(float scale) => MathF.Abs(scale) < 1e-38f ? 0 : 1 / scale;
}
