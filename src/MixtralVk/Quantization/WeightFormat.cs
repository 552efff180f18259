namespace MixtralVk.Quantization;

/// <summary>How the numbers of a weight matrix are stored. Names, numbers and block contents are those of GGUF (ggml).</summary>
public enum WeightFormat
{
    /// <summary>32-bit float.</summary>
    F32 = 0,
    /// <summary>16-bit IEEE float.</summary>
    F16 = 1,
    /// <summary>Blocks of 32: one f16 scale, 32 nibbles, value (q - 8) * scale.</summary>
    Q4_0 = 2,
    /// <summary>Blocks of 32: f16 scale and offset, 32 nibbles, value q * scale + offset.</summary>
    Q4_1 = 3,
    /// <summary>Blocks of 32: one f16 scale, 32 five-bit values, value (q - 16) * scale.</summary>
    Q5_0 = 6,
    /// <summary>Blocks of 32: f16 scale and offset, 32 five-bit values, value q * scale + offset.</summary>
    Q5_1 = 7,
    /// <summary>Blocks of 32: one f16 scale, 32 signed bytes.</summary>
    Q8_0 = 8,
    /// <summary>Blocks of 256: f16 scale and minimum, 16 pairs of 4-bit sub-scales and sub-minima, 256 two-bit values.</summary>
    Q2_K = 10,
    /// <summary>Blocks of 256: f16 scale, 16 six-bit sub-scales, 256 three-bit values.</summary>
    Q3_K = 11,
    /// <summary>Blocks of 256: f16 scale and minimum, 8 pairs of 6-bit sub-scales and sub-minima, 256 nibbles.</summary>
    Q4_K = 12,
    /// <summary>Blocks of 256: f16 scale and minimum, 8 pairs of 6-bit sub-scales and sub-minima, 256 five-bit values.</summary>
    Q5_K = 13,
    /// <summary>Blocks of 256: f16 scale, 16 signed 8-bit sub-scales, 256 six-bit values.</summary>
    Q6_K = 14,
    /// <summary>Blocks of 32: one f16 scale, 32 nibbles that choose from a fixed table of 16 values.</summary>
    IQ4_NL = 20,
    /// <summary>Blocks of 256: f16 scale, 8 six-bit sub-scales, 256 nibbles as in <see cref="IQ4_NL"/>.</summary>
    IQ4_XS = 23,
    /// <summary>The upper half of a 32-bit float.</summary>
    BF16 = 30,
}
