namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 32. File: f16 scale d, 16 bytes; byte i holds column i in its low nibble and column i + 16 in the high one; value = (q - 8) * d.
/// </summary>
internal sealed unsafe class Q4_0 : BlockFormat
{
    public static readonly Q4_0 Format = new();

    public override int FileElements => 32;
    public override int FileBytes => 18;
    public override int Cols => 32;
    public override int Words => 4;
    public override int ScaleBytes => 2;

    public override void Repack(byte* source, nint rowBytes, int rows, int cols, byte* tile)
    {
        int blocks = cols / 32;
        byte* scales = tile + (long)blocks * 4 * RowTileLayout.TileRows * sizeof(uint);
        Transpose.Words(source + 2, rowBytes, rows, blocks, FileBytes, words: 4, tile);
        Transpose.Halves(source, rowBytes, rows, blocks, FileBytes, scales);
    }

    public override void Dequantize(byte* tile, int lane, Span<float> values)
    {
        const int lanes = RowTileLayout.TileRows;
        int blocks = values.Length / 32;
        uint* words = (uint*)tile + lane;
        Half* scales = (Half*)(tile + (long)blocks * 4 * lanes * sizeof(uint)) + lane;
        for (int i = 0; i < values.Length; i++)
        {
            int block = i / 32, nibble = i % 32 / 16, at = i % 16;
            uint word = words[(block * 4 + at / 4) * lanes];
            int q = (int)(word >> (at % 4 * 8 + nibble * 4)) & 15;
            values[i] = (q - 8) * (float)scales[block * lanes];
        }
    }
}
