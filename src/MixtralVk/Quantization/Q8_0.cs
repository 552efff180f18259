namespace MixtralVk.Quantization;

/// <summary>Blocks of 32. File: f16 scale d, 32 signed bytes q; value = q * d.</summary>
internal sealed unsafe class Q8_0 : BlockFormat
{
    public static readonly Q8_0 Format = new();

    public override int FileElements => 32;
    public override int FileBytes => 34;
    public override int Cols => 32;
    public override int Words => 8;
    public override int ScaleBytes => 2;

    public override void Repack(byte* source, nint rowBytes, int rows, int cols, byte* tile)
    {
        int blocks = cols / 32;
        byte* scales = tile + (long)blocks * 8 * RowTileLayout.TileRows * sizeof(uint);
        Transpose.Words(source + 2, rowBytes, rows, blocks, FileBytes, words: 8, tile);
        Transpose.Halves(source, rowBytes, rows, blocks, FileBytes, scales);
    }

    public override void Dequantize(byte* tile, int lane, Span<float> values)
    {
        const int lanes = RowTileLayout.TileRows;
        int blocks = values.Length / 32;
        uint* words = (uint*)tile + lane;
        Half* scales = (Half*)(tile + (long)blocks * 8 * lanes * sizeof(uint)) + lane;
        for (int i = 0; i < values.Length; i++)
        {
            uint word = words[i / 4 * lanes];
            values[i] = (sbyte)(word >> (i % 4 * 8)) * (float)scales[i / 32 * lanes];
        }
    }
}
