namespace MixtralVk.Quantization;

/// <summary>16-bit floats; a block of a tile is two columns in one word, the even one in the low half.</summary>
internal abstract unsafe class Pairs() : BlockFormat(1, 2, TileSection.Words(0, 1))
{
    public override int Cols => 2;

    public override void Repack(byte* source, nint rowBytes, int rows, int cols, byte* tile)
    {
        int pairs = cols / 2;
        Transpose.Words(source, rowBytes, rows, blocks: 1, blockBytes: 0, words: pairs, tile);
        if (cols % 2 == 0) return;
        // The last column stands alone: reading a word would run past the last row.
        uint* last = (uint*)tile + pairs * RowTileLayout.TileRows;
        for (int row = 0; row < rows; row++) last[row] = *(ushort*)(source + row * rowBytes + pairs * sizeof(uint));
    }

    /// <summary>The words of a panel, and how many there are.</summary>
    protected static int* Words(byte* tile, int cols, int panel, out int count)
    {
        const int words = DequantizePanel.Cols / 2;
        count = Math.Min(words, (cols + 1) / 2 - panel * words);
        return (int*)tile + (long)panel * words * RowTileLayout.TileRows;
    }
}
