namespace MixtralVk.Kernels;

/// <summary>How attention reads keys, values and queries. No bit of the result depends on it.</summary>
internal enum KvFetch
{
    /// <summary>From storage buffers.</summary>
    Storage,
    /// <summary>From uniform texel buffers; for heads whose length is a multiple of four.</summary>
    Texel,
}
