namespace MixtralVk.Quantization;

/// <summary>
/// Blocks of 256 in 8 sub-blocks of 32. File: f16 d, f16 dmin, 12 bytes with a 6-bit scale and a 6-bit minimum per sub-block, 128 bytes qs;
/// each 32 bytes of qs hold two sub-blocks, the even one in the low nibbles. Value = d * scale * q - dmin * minimum.
/// </summary>
internal sealed unsafe class Q4_K : BlockFormat
{
    public static readonly Q4_K Format = new();

    public override int FileElements => 256;
    public override int FileBytes => 144;
    public override int Cols => 256;
    public override int Words => 32;
    public override int ScaleBytes => 16;

    public override void Repack(byte* source, nint rowBytes, int rows, int cols, byte* tile)
    {
        int blocks = cols / 256;
        byte* scales = tile + (long)blocks * 32 * RowTileLayout.TileRows * sizeof(uint);
        Transpose.Words(source + 16, rowBytes, rows, blocks, FileBytes, words: 32, tile);
        Transpose.Words(source, rowBytes, rows, blocks, FileBytes, words: 4, scales);
    }

    public override void Dequantize(byte* tile, int lane, Span<float> values)
    {
        const int lanes = RowTileLayout.TileRows;
        int blocks = values.Length / 256;
        uint* words = (uint*)tile + lane;
        uint* scales = words + (long)blocks * 32 * lanes;
        for (int block = 0; block < blocks; block++, words += 32 * lanes, scales += 4 * lanes)
        {
            float d = (float)BitConverter.UInt16BitsToHalf((ushort)scales[0]);
            float dmin = (float)BitConverter.UInt16BitsToHalf((ushort)(scales[0] >> 16));
            for (int sub = 0; sub < 8; sub++)
            {
                var (scale, minimum) = SubScale(sub, scales[lanes], scales[2 * lanes], scales[3 * lanes]);
                Span<float> part = values.Slice(block * 256 + sub * 32, 32);
                for (int i = 0; i < 32; i++)
                {
                    uint word = words[(sub / 2 * 8 + i / 4) * lanes];
                    int q = (int)(word >> (i % 4 * 8 + sub % 2 * 4)) & 15;
                    part[i] = d * scale * q - dmin * minimum;
                }
            }
        }
    }

    /// <summary>
    /// The 6-bit scale and minimum of a sub-block, from the 12 bytes as three words. Bytes 0-3 hold the scales of 0-3, bytes 4-7 their minima, both in the low six bits;
    /// bytes 8-11 the low nibbles of scale and minimum of 4-7, whose top two bits are the top two of bytes 0-7.
    /// </summary>
    internal static (int Scale, int Minimum) SubScale(int sub, uint scales, uint minima, uint rest)
    {
        int shift = sub % 4 * 8;
        int low = (int)(scales >> shift) & 255, high = (int)(minima >> shift) & 255, nibbles = (int)(rest >> shift) & 255;
        return sub < 4 ? (low & 63, high & 63) : ((nibbles & 15) | (low >> 6 << 4), (nibbles >> 4) | (high >> 6 << 4));
    }
}
