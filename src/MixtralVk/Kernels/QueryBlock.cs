namespace MixtralVk.Kernels;

/// <summary>
/// The queries one workgroup of attention serves: some heads that share a key and value head, at some consecutive rows of one sequence.
/// Each key and value is loaded once for all of them; no bit of the result depends on it.
/// </summary>
/// <param name="Heads">Query heads.</param>
/// <param name="Rows">Rows of a tile.</param>
internal readonly record struct QueryBlock(uint Heads, uint Rows)
{
    /// <summary>
    /// The block that serves most queries at once, but no more than <paramref name="limit"/>: heads of one row, or with
    /// <paramref name="severalRows"/> of a tile of rows.
    /// </summary>
    public static QueryBlock For(uint queryHeads, uint kvHeads, uint headDim, bool severalRows, uint limit = uint.MaxValue)
    {
        uint group = queryHeads / kvHeads, most = Math.Min(limit, MostQueries(headDim, severalRows));
        var best = new QueryBlock(1, severalRows ? most : 1);
        for (uint heads = 2; heads <= Math.Min(group, most); heads++)
        {
            var block = new QueryBlock(heads, severalRows ? most / heads : 1);
            if (block.Served(group) >= best.Served(group)) best = block;
        }
        return best;
    }

    /// <summary>Queries of a workgroup on average, as the last block of a group may be short.</summary>
    private float Served(uint group) => (float)group * Rows / Grid.Cover(group, Heads);

    /// <summary>
    /// Eight queries keep their 256 probabilities each in half of the shared memory. A kernel that merges as it goes holds more in
    /// registers: with eight queries it spills on RDNA3 (RADV). Heads above 128 need twice the registers for their sums.
    /// </summary>
    private static uint MostQueries(uint headDim, bool severalRows) => headDim > 128 ? 4u : severalRows ? 6u : 8u;

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
