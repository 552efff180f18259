namespace MixtralVk.Kernels;

/// <summary>
/// The queries one workgroup of attention serves: some heads that share a key and value head, at some consecutive rows of one sequence. Each
/// key and value is loaded once for all of them; no bit of the result depends on it.
/// </summary>
/// <param name="Heads">Query heads.</param>
/// <param name="Rows">Rows of a tile.</param>
internal readonly record struct QueryBlock(uint Heads, uint Rows)
{
    /// <summary>As many heads of a group as possible, in blocks of equal size; with <paramref name="severalRows"/> as many rows as then fit.</summary>
    public static QueryBlock For(uint queryHeads, uint kvHeads, uint headDim, bool severalRows)
    {
        uint most = MostQueries(headDim), group = queryHeads / kvHeads, heads = Grid.Cover(group, Grid.Cover(group, most));
        return new QueryBlock(heads, severalRows ? most / heads : 1);
    }

    /// <summary>
    /// Eight queries keep their 256 probabilities each in half of the shared memory; heads above 128 need twice the registers for their sums.
    /// </summary>
    private static uint MostQueries(uint headDim) => headDim > 128 ? 4u : 8u;

    /// <summary>Words of the tiles of so many rows.</summary>
    public static int TileWords(int rows) => 2 + 2 * rows;

    /// <summary>
    /// Writes the tiles of a step's rows: in the first word their number, from the third on (first row, number of rows) of each. Rows of a
    /// tile have one owner. Only writes, as the destination may be slow to read; returns the number.
    /// </summary>
    public int WriteTiles(ReadOnlySpan<int> owners, Span<int> tiles)
    {
        int count = 0;
        for (int row = 0; row < owners.Length; count++)
        {
            int first = row++;
            while (row < owners.Length && row - first < Rows && owners[row] == owners[first]) row++;
            tiles[2 + 2 * count] = first;
            tiles[3 + 2 * count] = row - first;
        }
        tiles[0] = count;
        return count;
    }

    /// <summary>Workgroups that cover all heads of a row.</summary>
    public uint HeadBlocks(uint queryHeads, uint kvHeads) => kvHeads * Grid.Cover(queryHeads / kvHeads, Heads);
}
