namespace MixtralVk.Conversion;

/// <summary>
/// What a converted file stores its weights in. Norms and routers stay F32. The quantised types give more bits to a few tensors where it
/// counts most, as llama.cpp does.
/// </summary>
public enum QuantizationType
{
    /// <summary>32-bit floats.</summary>
    F32,
    /// <summary>16-bit IEEE floats.</summary>
    F16,
    /// <summary>16-bit floats with the range of 32-bit ones.</summary>
    BF16,
    /// <summary>8.5 bits.</summary>
    Q8_0,
    /// <summary>Mostly 6.6 bits.</summary>
    Q6_K,
    /// <summary>Mostly 5.5 bits, part of the down projections in Q6_K.</summary>
    Q5_K_M,
    /// <summary>Mostly 4.5 bits, part of the down projections in Q6_K.</summary>
    Q4_K_M,
    /// <summary>Mostly 4.5 bits.</summary>
    Q4_0,
}
