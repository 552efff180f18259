namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 256 in 8 sub-blocks of 32. File: f16 d, f16 dmin, 12 bytes with a 6-bit scale and a 6-bit minimum per sub-block as in
/// <see cref="Q4_K"/>, 32 bytes qh, 128 bytes qs. The low 4 bits of a value lie in qs as in Q4_K; bit s of qh[l] is the fifth bit of value l
/// of sub-block s. Value = d * scale * q - dmin * minimum.
/// </summary>
internal sealed unsafe class Q5_K : BlockFormat
{
    public static readonly Q5_K Format = new();

    public override int FileElements => 256;
    public override int FileBytes => 176;
    public override int Cols => 256;
    public override int Words => 40;
    public override int ScaleBytes => 16;

    public override void Repack(byte* source, nint rowBytes, int rows, int cols, byte* tile)
    {
        int blocks = cols / 256;
        byte* scales = tile + (long)blocks * 40 * RowTileLayout.TileRows * sizeof(uint);
        Transpose.Words(source + 16, rowBytes, rows, blocks, FileBytes, words: 40, tile);
        Transpose.Words(source, rowBytes, rows, blocks, FileBytes, words: 4, scales);
    }

    public override void Dequantize(byte* tile, int lane, Span<float> values)
    {
        const int lanes = RowTileLayout.TileRows;
        int blocks = values.Length / 256;
        uint* words = (uint*)tile + lane;
        uint* scales = words + (long)blocks * 40 * lanes;
        for (int block = 0; block < blocks; block++, words += 40 * lanes, scales += 4 * lanes)
        {
            float d = (float)BitConverter.UInt16BitsToHalf((ushort)scales[0]);
            float dmin = (float)BitConverter.UInt16BitsToHalf((ushort)(scales[0] >> 16));
            for (int sub = 0; sub < 8; sub++)
            {
                var (scale, minimum) = Q4_K.SubScale(sub, scales[lanes], scales[2 * lanes], scales[3 * lanes]);
                Span<float> part = values.Slice(block * 256 + sub * 32, 32);
                for (int i = 0; i < 32; i++)
                {
                    uint high = words[i / 4 * lanes], low = words[(8 + sub / 2 * 8 + i / 4) * lanes];
                    int shift = i % 4 * 8;
                    int q = (int)(low >> (shift + sub % 2 * 4) & 15 | (high >> (shift + sub) & 1) << 4);
                    part[i] = d * scale * q - dmin * minimum;
                }
            }
        }
    }
}
