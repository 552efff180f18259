namespace MixtralVk.Quantization;

/// <summary>How the numbers of a weight matrix are stored. Names and block contents are those of GGUF (ggml).</summary>
public enum WeightFormat
{
    /// <summary>32-bit float.</summary>
    F32,
    /// <summary>16-bit IEEE float.</summary>
    F16,
    /// <summary>Blocks of 32: one f16 scale, 32 signed bytes.</summary>
    Q8_0,
    /// <summary>Blocks of 32: one f16 scale, 32 nibbles, value (q - 8) * scale.</summary>
    Q4_0,
    /// <summary>Blocks of 256: f16 scale and minimum, 8 pairs of 6-bit sub-scales and sub-minima, 256 nibbles.</summary>
    Q4_K,
    /// <summary>Blocks of 256: f16 scale and minimum, 8 pairs of 6-bit sub-scales and sub-minima, 256 five-bit values.</summary>
    Q5_K,
    /// <summary>Blocks of 256: f16 scale, 16 signed 8-bit sub-scales, 256 six-bit values.</summary>
    Q6_K,
}
