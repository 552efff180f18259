namespace MixtralVk.Conversion.Quantizers;

/// <summary>
/// Q6_K: 256 columns in 16 sub-blocks of 16, value = d * scale * (q - 32) with signed 8-bit scales. Found as in
/// <see cref="AffineSuperBlockQuantizer"/>, without minima. Bytes: as <see cref="Quantization.Q6_K"/> describes.
/// </summary>
internal sealed class Q6_KQuantizer : BlockQuantizer
{
    public static readonly Q6_KQuantizer Instance = new();

    private const int Bytes = 210, Least = -32, Most = 31;

    public override void QuantizeRow(ReadOnlySpan<float> row, ReadOnlySpan<float> importance, Span<byte> blocks)
    {
        for (int block = 0; block < row.Length / 256; block++)
            Quantize(row.Slice(block * 256, 256), importance.Slice(block * 256, 256), blocks.Slice(block * Bytes, Bytes));
    }

    private static void Quantize(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        block.Clear();
        Span<float> scales = stackalloc float[16];
        float extreme = 0;
        for (int sub = 0; sub < 16; sub++)
        {
            scales[sub] = ScaleSearch.Symmetric(x.Slice(sub * 16, 16), w.Slice(sub * 16, 16), Least, Most);
            if (MathF.Abs(scales[sub]) > MathF.Abs(extreme)) extreme = scales[sub];
        }
        Span<int> s = stackalloc int[16], fitted = stackalloc int[16];
        float d = WriteHalf(block[208..], extreme / -128);
        float error = ChooseScales(x, w, d, scales, s);
        float newD = (float)(Half)Fit(x, w, d, s);
        if (newD != 0 && ChooseScales(x, w, newD, scales, fitted) < error)
        {
            d = WriteHalf(block[208..], newD);
            fitted.CopyTo(s);
        }
        for (int sub = 0; sub < 16; sub++)
        {
            block[192 + sub] = (byte)(sbyte)s[sub];
            float inverse = Inverse(d * s[sub]);
            for (int i = sub * 16; i < sub * 16 + 16; i++)
            {
                int q = Level(x[i], inverse, Least, Most) - Least, half = i / 128, k = i % 128 / 32, l = i % 32;
                block[half * 64 + k % 2 * 32 + l] |= (byte)((q & 15) << k / 2 * 4);
                block[128 + half * 32 + l] |= (byte)(q >> 4 << k * 2);
            }
        }
    }

    /// <summary>For each sub-block the 8-bit scale near the wanted one with the least error; returns the whole error.</summary>
    private static float ChooseScales(ReadOnlySpan<float> x, ReadOnlySpan<float> w, float d, ReadOnlySpan<float> scales, Span<int> s)
    {
        float total = 0, inverse = Inverse(d);
        for (int sub = 0; sub < 16; sub++)
        {
            int near = Level(scales[sub], inverse, -128, 127);
            float least = float.PositiveInfinity;
            for (int candidate = Math.Max(-128, near - 1); candidate <= Math.Min(127, near + 1); candidate++)
            {
                float error = ScaleSearch.Error(x.Slice(sub * 16, 16), w.Slice(sub * 16, 16), d * candidate, 0, Least, Most);
                if (error < least) (least, s[sub]) = (error, candidate);
            }
            total += least;
        }
        return total;
    }

    /// <summary>d by least squares for the scales, and the levels nearest at the old d.</summary>
    private static float Fit(ReadOnlySpan<float> x, ReadOnlySpan<float> w, float d, ReadOnlySpan<int> s)
    {
        double aa = 0, ax = 0;
        for (int i = 0; i < 256; i++)
        {
            int scale = s[i / 16];
            double a = scale * Level(x[i], Inverse(d * scale), Least, Most);
            aa += w[i] * a * a;
            ax += w[i] * a * x[i];
        }
        return aa == 0 ? d : (float)(ax / aa);
    }
}
