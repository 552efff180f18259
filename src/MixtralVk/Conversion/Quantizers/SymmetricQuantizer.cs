using System.Buffers.Binary;

namespace MixtralVk.Conversion.Quantizers;

/// <summary>
/// Q4_0 and Q5_0: 32 columns with one scale, levels from -8 to 7 or from -16 to 15. Bytes: f16 scale, the fifth bits of Q5_0 as a 32-bit
/// number, 16 bytes with column i in the low nibble and column i + 16 in the high one.
/// </summary>
internal sealed class SymmetricQuantizer : BlockQuantizer
{
    public static readonly SymmetricQuantizer Q4_0 = new(8), Q5_0 = new(16);

    private readonly int _half, _bytes;

    private SymmetricQuantizer(int half)
    {
        _half = half;
        _bytes = half == 16 ? 22 : 18;
    }

    public override void QuantizeRow(ReadOnlySpan<float> row, ReadOnlySpan<float> importance, Span<byte> blocks)
    {
        for (int block = 0; block < row.Length / 32; block++)
            Quantize(row.Slice(block * 32, 32), importance.Slice(block * 32, 32), blocks.Slice(block * _bytes, _bytes));
    }

    private void Quantize(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        float inverse = Inverse(WriteHalf(block, ScaleSearch.Symmetric(x, w, -_half, _half - 1)));
        Span<byte> nibbles = block[^16..];
        uint fifth = 0;
        for (int i = 0; i < 16; i++)
        {
            int low = Level(x[i], inverse, -_half, _half - 1) + _half, high = Level(x[i + 16], inverse, -_half, _half - 1) + _half;
            nibbles[i] = (byte)((low & 15) | (high & 15) << 4);
            fifth |= (uint)(low >> 4) << i | (uint)(high >> 4) << (i + 16);
        }
        if (_half == 16) BinaryPrimitives.WriteUInt32LittleEndian(block[2..], fifth);
    }
}
