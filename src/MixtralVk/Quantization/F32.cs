namespace MixtralVk.Quantization;

/// <summary>32-bit floats; a block is one column.</summary>
internal sealed unsafe class F32 : BlockFormat
{
    public static readonly F32 Format = new();

    public override int FileElements => 1;
    public override int FileBytes => 4;
    public override int Cols => 1;
    public override int Words => 1;
    public override int ScaleBytes => 0;

    public override void Repack(byte* source, nint rowBytes, int rows, int cols, byte* tile) =>
        Transpose.Words(source, rowBytes, rows, blocks: 1, blockBytes: 0, words: cols, tile);

    public override void Dequantize(byte* tile, int lane, Span<float> values)
    {
        float* column = (float*)tile + lane;
        for (int i = 0; i < values.Length; i++) values[i] = column[i * RowTileLayout.TileRows];
    }
}
