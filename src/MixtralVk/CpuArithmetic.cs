namespace MixtralVk;

/// <summary>
/// What the CPU path multiplies quantised weights with. Floating-point weights, and those of Q2_K, are multiplied with floats always.
/// </summary>
public enum CpuArithmetic
{
    /// <summary>
    /// Activations rounded to 8 bits: each 32 of them have a scale, and the error of each is at most half a scale, 1/254 of the largest.
    /// Several times faster, and the matrix products have the same bits on every processor.
    /// </summary>
    Int8,
    /// <summary>32-bit floats: what the weights stand for, multiplied without further loss.</summary>
    Float32,
}
