namespace MixtralVk.Loading;

/// <summary>
/// The tiles of a model in mapped memory, to be read in place. Valid until it is disposed, also after the <see cref="ModelSource"/> it came
/// from.
/// </summary>
internal abstract unsafe class MappedTiles : IDisposable
{
    /// <summary>
    /// The first tile of a matrix. Pages may be shared with other processes and are not writable. The memory is readable up to
    /// <see cref="RoomOf"/> bytes from here.
    /// </summary>
    public abstract byte* Of(MatrixRole role, int layer, int expert);

    /// <summary>Bytes from the first tile of a matrix that belong to it alone: its tiles, and zeros up to a multiple of 64 KiB.</summary>
    public abstract long RoomOf(MatrixRole role, int layer, int expert);

    public abstract void Dispose();
}
