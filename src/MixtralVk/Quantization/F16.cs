namespace MixtralVk.Quantization;

/// <summary>16-bit IEEE floats; a block is two columns in one word, the even one in the low half.</summary>
internal sealed unsafe class F16 : BlockFormat
{
    public static readonly F16 Format = new();

    public override int FileElements => 1;
    public override int FileBytes => 2;
    public override int Cols => 2;
    public override int Words => 1;
    public override int ScaleBytes => 0;

    public override void Repack(byte* source, nint rowBytes, int rows, int cols, byte* tile)
    {
        int pairs = cols / 2;
        Transpose.Words(source, rowBytes, rows, blocks: 1, blockBytes: 0, words: pairs, tile);
        if (cols % 2 == 0) return;
        // The last column stands alone: reading a word would run past the last row.
        uint* last = (uint*)tile + pairs * RowTileLayout.TileRows;
        for (int row = 0; row < rows; row++) last[row] = *(ushort*)(source + row * rowBytes + pairs * sizeof(uint));
    }

    public override void Dequantize(byte* tile, int lane, Span<float> values)
    {
        uint* column = (uint*)tile + lane;
        for (int i = 0; i < values.Length; i++)
        {
            uint pair = column[i / 2 * RowTileLayout.TileRows];
            values[i] = (float)BitConverter.UInt16BitsToHalf((ushort)(i % 2 == 0 ? pair : pair >> 16));
        }
    }
}
