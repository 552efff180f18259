namespace MixtralVk.Quantization;

/// <summary>32-bit floats; a block is one column.</summary>
internal sealed unsafe class F32() : BlockFormat(1, 4, TileSection.Words(0, 1))
{
    public static readonly F32 Format = new();

    // One block as long as the row, not many blocks of one word: whole runs of words move at once.
    public override void Repack(byte* source, nint rowBytes, int rows, int cols, byte* tile) =>
        Transpose.Words(source, rowBytes, rows, blocks: 1, blockBytes: 0, words: cols, tile);

    public override void Panel(byte* tile, int cols, int panel, int firstRow, int endRow, float* to)
    {
        int count = Math.Min(DequantizePanel.Cols, cols - panel * DequantizePanel.Cols);
        float* source = (float*)tile + (long)panel * DequantizePanel.Floats;
        for (int at = firstRow; at < count * PanelColumns.Rows; at += PanelColumns.Rows)
            new ReadOnlySpan<float>(source + at, endRow - firstRow).CopyTo(new Span<float>(to + at, endRow - firstRow));
    }
}
