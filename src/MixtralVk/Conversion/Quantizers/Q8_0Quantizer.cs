namespace MixtralVk.Conversion.Quantizers;

/// <summary>
/// Q8_0: 32 columns with one scale. Levels are so fine that the largest value's scale is as good as any. Levels are taken before the scale
/// is rounded to 16 bits, halves away from zero, so that the bytes equal llama.cpp's.
/// </summary>
internal sealed class Q8_0Quantizer : BlockQuantizer
{
    public static readonly Q8_0Quantizer Instance = new();

    public override void QuantizeRow(ReadOnlySpan<float> row, ReadOnlySpan<float> importance, Span<byte> blocks)
    {
        for (int block = 0; block < row.Length / 32; block++)
        {
            ReadOnlySpan<float> x = row.Slice(block * 32, 32);
            Span<byte> to = blocks.Slice(block * 34, 34);
            float largest = 0;
            foreach (float value in x) largest = MathF.Max(largest, MathF.Abs(value));
            float scale = largest / 127, inverse = Inverse(scale);
            WriteHalf(to, scale);
            for (int i = 0; i < 32; i++) to[2 + i] = (byte)(sbyte)MathF.Round(x[i] * inverse, MidpointRounding.AwayFromZero);
        }
    }
}
