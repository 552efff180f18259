using MixtralVk.Quantization;

namespace MixtralVk.Packing;

/// <summary>One entry of a packed file's tensor table.</summary>
/// <param name="Key">What it is.</param>
/// <param name="Layout">Format and shape. Plain floats have <see cref="WeightFormat.F32"/> and only their shape counts.</param>
/// <param name="Offset">Position in bytes from the begin of the file.</param>
internal sealed record PackedTensor(TensorKey Key, RowTileLayout Layout, long Offset)
{
    /// <summary>Bytes of the data.</summary>
    public long Bytes { get; } = Key.IsTiled ? Layout.Bytes : (long)Layout.Rows * Layout.Cols * sizeof(float);

    /// <summary>Multiple of bytes at which the data begins, and up to which the room after it is zero.</summary>
    public int Alignment => Key.IsTiled ? PackedFormat.TileAlignment : PackedFormat.FloatAlignment;

    /// <summary>Bytes of a block under one checksum: whole tiles; the last one may be shorter.</summary>
    public long BlockBytes { get; } = Key.IsTiled
        ? Math.Min(Layout.Tiles, Math.Max(1, PackedFormat.BlockBytes / Layout.TileBytes)) * Layout.TileBytes : PackedFormat.BlockBytes;

    /// <summary>Number of blocks.</summary>
    public int Blocks => (int)((Bytes + BlockBytes - 1) / BlockBytes);

    /// <summary>CRC-32C of each block.</summary>
    public required uint[] Checksums { get; init; }

    /// <summary>Position and length of a block.</summary>
    public (long Offset, int Bytes) Block(int index) =>
        (Offset + index * BlockBytes, (int)Math.Min(BlockBytes, Bytes - index * BlockBytes));
}
