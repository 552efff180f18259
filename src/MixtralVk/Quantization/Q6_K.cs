namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 256 in 16 sub-blocks of 16. File: 128 bytes ql (low 4 bits), 64 bytes qh (high 2 bits), 16 signed bytes of sub-scales, f16 d.
/// In each half of 128 columns, column 32 * k + l (k = 0..3) has its low bits in nibble k / 2 of ql[32 * (k % 2) + l] and its high bits in
/// bits 2k, 2k + 1 of qh[l]. Value = d * scale * (q - 32).
/// </summary>
internal sealed unsafe class Q6_K : BlockFormat
{
    public static readonly Q6_K Format = new();

    public override int FileElements => 256;
    public override int FileBytes => 210;
    public override int Cols => 256;
    public override int Words => 48;
    public override int ScaleBytes => 18;

    public override void Repack(byte* source, nint rowBytes, int rows, int cols, byte* tile)
    {
        int blocks = cols / 256;
        byte* subScales = tile + (long)blocks * 48 * RowTileLayout.TileRows * sizeof(uint);
        byte* scales = subScales + (long)blocks * 4 * RowTileLayout.TileRows * sizeof(uint);
        Transpose.Words(source, rowBytes, rows, blocks, FileBytes, words: 48, tile);
        Transpose.Words(source + 192, rowBytes, rows, blocks, FileBytes, words: 4, subScales);
        Transpose.Halves(source + 208, rowBytes, rows, blocks, FileBytes, scales);
    }

    public override void Dequantize(byte* tile, int lane, Span<float> values)
    {
        const int lanes = RowTileLayout.TileRows;
        int blocks = values.Length / 256;
        uint* words = (uint*)tile + lane;
        uint* subScales = words + (long)blocks * 48 * lanes;
        Half* scales = (Half*)((uint*)tile + (long)blocks * 52 * lanes) + lane;
        for (int block = 0; block < blocks; block++, words += 48 * lanes, subScales += 4 * lanes, scales += lanes)
        {
            for (int i = 0; i < 256; i++)
            {
                int half = i / 128, k = i % 128 / 32, l = i % 32;
                int low = Byte(words, half * 64 + k % 2 * 32 + l) >> (k / 2 * 4) & 15;
                int high = Byte(words, 128 + half * 32 + l) >> (k * 2) & 3;
                int subScale = (sbyte)Byte(subScales, i / 16);
                values[block * 256 + i] = (float)*scales * subScale * ((low | high << 4) - 32);
            }
        }
    }

    /// <summary>Byte of a lane's words, as the file numbers them.</summary>
    private static byte Byte(uint* words, int index) => (byte)(words[index / 4 * RowTileLayout.TileRows] >> (index % 4 * 8));
}
