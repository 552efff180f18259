namespace MixtralVk.Conversion.Quantizers;

/// <summary>
/// Q4_K and Q5_K: 256 columns in 8 sub-blocks of 32, value = d * scale * q - dmin * minimum with 6-bit scales and minima. Each sub-block's
/// best scale and minimum are found first; then the 6-bit pair around them with the least error is taken, and d and dmin are fitted to the
/// pairs and levels that came out. Bytes: as <see cref="Quantization.Q4_K"/> and <see cref="Quantization.Q5_K"/> describe.
/// </summary>
internal sealed class AffineSuperBlockQuantizer : BlockQuantizer
{
    public static readonly AffineSuperBlockQuantizer Q4_K = new(15, 144), Q5_K = new(31, 176);

    private const int Most = 63; // of a scale and of a minimum

    private readonly int _most, _bytes;

    private AffineSuperBlockQuantizer(int most, int bytes) => (_most, _bytes) = (most, bytes);

    public override void QuantizeRow(ReadOnlySpan<float> row, ReadOnlySpan<float> importance, Span<byte> blocks)
    {
        for (int block = 0; block < row.Length / 256; block++)
            Quantize(row.Slice(block * 256, 256), importance.Slice(block * 256, 256), blocks.Slice(block * _bytes, _bytes));
    }

    private void Quantize(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        block.Clear();
        Span<float> scales = stackalloc float[8], minima = stackalloc float[8];
        for (int sub = 0; sub < 8; sub++)
            (scales[sub], minima[sub]) = ScaleSearch.Affine(x.Slice(sub * 32, 32), w.Slice(sub * 32, 32), _most);
        Span<int> s = stackalloc int[8], m = stackalloc int[8], fittedS = stackalloc int[8], fittedM = stackalloc int[8];
        float d = WriteHalf(block, LargestOf(scales) / Most), dmin = WriteHalf(block[2..], LargestOf(minima) / Most);
        float error = ChoosePairs(x, w, d, dmin, scales, minima, s, m);

        var (newD, newMin) = Fit(x, w, d, dmin, s, m);
        newD = (float)(Half)newD;
        newMin = (float)(Half)newMin;
        if (newD > 0 && newMin >= 0 && ChoosePairs(x, w, newD, newMin, scales, minima, fittedS, fittedM) < error)
        {
            (d, dmin) = (WriteHalf(block, newD), WriteHalf(block[2..], newMin));
            fittedS.CopyTo(s);
            fittedM.CopyTo(m);
        }
        WritePairs(s, m, block.Slice(4, 12));
        WriteLevels(x, d, dmin, s, m, block[16..]);
    }

    /// <summary>
    /// For each sub-block the 6-bit scale and minimum near the wanted ones with the least error; returns the whole error.
    /// </summary>
    private float ChoosePairs(ReadOnlySpan<float> x, ReadOnlySpan<float> w, float d, float dmin, ReadOnlySpan<float> scales,
        ReadOnlySpan<float> minima,
        Span<int> s, Span<int> m)
    {
        float total = 0, inverse = Inverse(d), inverseMin = Inverse(dmin);
        for (int sub = 0; sub < 8; sub++)
        {
            int nearS = Level(scales[sub], inverse, 0, Most), nearM = Level(minima[sub], inverseMin, 0, Most);
            float least = float.PositiveInfinity;
            for (int candidateS = Math.Max(0, nearS - 1); candidateS <= Math.Min(Most, nearS + 1); candidateS++)
            {
                for (int candidateM = Math.Max(0, nearM - 1); candidateM <= Math.Min(Most, nearM + 1); candidateM++)
                {
                    float error = ScaleSearch.Error(x.Slice(sub * 32, 32), w.Slice(sub * 32, 32), d * candidateS,
                        dmin * candidateM, 0, _most);
                    if (error < least) (least, s[sub], m[sub]) = (error, candidateS, candidateM);
                }
            }
            total += least;
        }
        return total;
    }

    /// <summary>
    /// d and dmin by least squares for the pairs, and the levels nearest at the old d and dmin: x ~ d * (s q) - dmin * m.
    /// </summary>
    private (float D, float Min) Fit(ReadOnlySpan<float> x, ReadOnlySpan<float> w, float d, float dmin, ReadOnlySpan<int> s,
        ReadOnlySpan<int> m)
    {
        double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
        for (int sub = 0; sub < 8; sub++)
        {
            float inverse = Inverse(d * s[sub]), minimum = dmin * m[sub];
            for (int i = sub * 32; i < sub * 32 + 32; i++)
            {
                double a = s[sub] * Level(x[i] + minimum, inverse, 0, _most), b = -m[sub];
                aa += w[i] * a * a;
                ab += w[i] * a * b;
                bb += w[i] * b * b;
                ax += w[i] * a * x[i];
                bx += w[i] * b * x[i];
            }
        }
        if (bb == 0) return aa == 0 ? (d, dmin) : ((float)(ax / aa), dmin);
        double determinant = aa * bb - ab * ab;
        return determinant <= 1e-9 * aa * bb
            ? (d, dmin) : ((float)((bb * ax - ab * bx) / determinant), (float)((aa * bx - ab * ax) / determinant));
    }

    /// <summary>
    /// Bytes 0-3: scales 0-3; 4-7: minima 0-3; 8-11: low nibbles of scale and minimum 4-7, whose upper bits are the top two of bytes 0-7.
    /// </summary>
    private static void WritePairs(ReadOnlySpan<int> s, ReadOnlySpan<int> m, Span<byte> packed)
    {
        for (int i = 0; i < 4; i++)
        {
            packed[i] = (byte)(s[i] | s[i + 4] >> 4 << 6);
            packed[i + 4] = (byte)(m[i] | m[i + 4] >> 4 << 6);
            packed[i + 8] = (byte)((s[i + 4] & 15) | (m[i + 4] & 15) << 4);
        }
    }

    /// <summary>Q5_K: 32 bytes with the fifth bits, sub-block n in bit n; then both: two sub-blocks in the nibbles of 32 bytes.</summary>
    private void WriteLevels(ReadOnlySpan<float> x, float d, float dmin, ReadOnlySpan<int> s, ReadOnlySpan<int> m, Span<byte> levels)
    {
        Span<byte> nibbles = levels[^128..];
        for (int sub = 0; sub < 8; sub++)
        {
            float inverse = Inverse(d * s[sub]), minimum = dmin * m[sub];
            for (int i = 0; i < 32; i++)
            {
                int q = Level(x[sub * 32 + i] + minimum, inverse, 0, _most);
                nibbles[sub / 2 * 32 + i] |= (byte)((q & 15) << sub % 2 * 4);
                if (_most == 31) levels[i] |= (byte)(q >> 4 << sub);
            }
        }
    }

    private static float LargestOf(ReadOnlySpan<float> values)
    {
        float largest = 0;
        foreach (float value in values) largest = MathF.Max(largest, value);
        return largest;
    }
}
