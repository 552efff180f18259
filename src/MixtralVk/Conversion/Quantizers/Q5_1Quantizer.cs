using System.Buffers.Binary;

namespace MixtralVk.Conversion.Quantizers;

/// <summary>
/// Q5_1: 32 columns with scale d and offset m, value = d * q + m, q from 0 to 31. Bytes: d, m, the fifth bits, the nibbles as in Q5_0.
/// </summary>
internal sealed class Q5_1Quantizer : BlockQuantizer
{
    public static readonly Q5_1Quantizer Instance = new();

    public override void QuantizeRow(ReadOnlySpan<float> row, ReadOnlySpan<float> importance, Span<byte> blocks)
    {
        for (int block = 0; block < row.Length / 32; block++)
            Quantize(row.Slice(block * 32, 32), importance.Slice(block * 32, 32), blocks.Slice(block * 24, 24));
    }

    private static void Quantize(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        (float scale, float minimum) = ScaleSearch.Affine(x, w, 31, anySign: true);
        float inverse = Inverse(WriteHalf(block, scale)), offset = WriteHalf(block[2..], -minimum);
        uint fifth = 0;
        for (int i = 0; i < 16; i++)
        {
            int low = Level(x[i] - offset, inverse, 0, 31), high = Level(x[i + 16] - offset, inverse, 0, 31);
            block[8 + i] = (byte)((low & 15) | (high & 15) << 4);
            fifth |= (uint)(low >> 4) << i | (uint)(high >> 4) << (i + 16);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], fifth);
    }
}
