namespace MixtralVk;

/// <summary>Whether the weights of a packed model (.mvk) are used in place, mapped from the file, or read into memory.</summary>
public enum MapMode
{
    /// <summary>Read when weights and KV cache fit 80 % of the main memory, mapped when they do not.</summary>
    Auto,
    /// <summary>Always read: nothing that happens to the file later can harm the process.</summary>
    Never,
    /// <summary>
    /// Always mapped: starts at once and takes no memory of its own, but when the file is truncated while it is mapped, or its drive fails,
    /// the process ends. Other kinds of file are refused.
    /// </summary>
    Always,
}
