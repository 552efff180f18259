using System.Buffers.Binary;

namespace MixtralVk.Conversion.Quantizers;

/// <summary>32-bit floats: stored as they are.</summary>
internal sealed class F32Quantizer : BlockQuantizer
{
    public static readonly F32Quantizer Instance = new();

    public override float Largest => float.MaxValue;

    public override void QuantizeRow(ReadOnlySpan<float> row, ReadOnlySpan<float> importance, Span<byte> blocks)
    {
        for (int i = 0; i < row.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(blocks[(4 * i)..], row[i]);
    }
}

/// <summary>16-bit IEEE floats: the nearest one.</summary>
internal sealed class F16Quantizer : BlockQuantizer
{
    public static readonly F16Quantizer Instance = new();

    public override void QuantizeRow(ReadOnlySpan<float> row, ReadOnlySpan<float> importance, Span<byte> blocks)
    {
        for (int i = 0; i < row.Length; i++) BinaryPrimitives.WriteHalfLittleEndian(blocks[(2 * i)..], (Half)row[i]);
    }
}

/// <summary>The upper half of 32-bit floats: the nearest one, ties to even.</summary>
internal sealed class BF16Quantizer : BlockQuantizer
{
    public static readonly BF16Quantizer Instance = new();

    // Anything above rounds to infinity.
    public override float Largest => BitConverter.UInt32BitsToSingle(0x7F7F7FFF);

    public override void QuantizeRow(ReadOnlySpan<float> row, ReadOnlySpan<float> importance, Span<byte> blocks)
    {
        for (int i = 0; i < row.Length; i++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(row[i]);
            BinaryPrimitives.WriteUInt16LittleEndian(blocks[(2 * i)..], (ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16));
        }
    }
}
