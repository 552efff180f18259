namespace MixtralVk.Model;

/// <summary>How keys and values are stored.</summary>
public enum KvFormat
{
    /// <summary>16-bit floats (the default).</summary>
    F16,
    /// <summary>32-bit floats.</summary>
    F32,
}
