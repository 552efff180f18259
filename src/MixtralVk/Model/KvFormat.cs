namespace MixtralVk.Model;

/// <summary>How keys and values are stored.</summary>
public enum KvFormat
{
    /// <summary>16-bit floats (the default).</summary>
    F16,
    /// <summary>32-bit floats.</summary>
    F32,
    /// <summary>
    /// 8-bit integers with a 16-bit float as scale for each 32 dimensions of a token's head: the scale is a 127th of the largest of them,
    /// so a value is off by at most 0.4 % of that. Little more than half the memory of <see cref="F16"/>.
    /// </summary>
    Q8_0,
}
