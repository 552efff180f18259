using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>
/// The rows of the step in progress: their tokens, positions and pages, and the tiles of queries that attention takes together. First all
/// tokens of the batch; in the last layer, from <see cref="KeepWanted"/> on, those whose logits are wanted.
/// </summary>
internal sealed unsafe class CpuStepRows(CpuActivations activations, int pageCount)
{
    private StepBatch? _batch;
    private int _wantedTileCount;

    /// <summary>Rows.</summary>
    public int Count { get; private set; }

    /// <summary>Position of each row in its sequence.</summary>
    public int* Positions { get; private set; }

    /// <summary>Query tiles of the rows.</summary>
    public QueryTile* Tiles { get; private set; }

    /// <summary>How many they are.</summary>
    public int TileCount { get; private set; }

    /// <summary>Those of all rows of the batch whose logits are wanted, ascending.</summary>
    public ReadOnlySpan<int> Wanted => _batch!.OutputRows;

    /// <summary>Takes over a batch. Throws <see cref="ArgumentException"/> where a sequence of it belongs to another cache.</summary>
    public void Begin(StepBatch batch)
    {
        CpuActivations a = activations;
        batch.Tokens.CopyTo(new Span<int>(a.Tokens, batch.Count));
        batch.Positions.CopyTo(new Span<int>(a.Positions, batch.Count));
        for (int i = 0; i < batch.OutputCount; i++) a.WantedPositions[i] = batch.Positions[batch.OutputRows[i]];
        Count = batch.Count;
        Positions = a.Positions;
        Tiles = a.Tiles;
        _batch = batch;
        FillPages(batch);
    }

    /// <summary>From now on the rows are those whose logits are wanted.</summary>
    public void KeepWanted()
    {
        Count = Wanted.Length;
        Positions = activations.WantedPositions;
        Tiles = activations.WantedTiles;
        TileCount = _wantedTileCount;
    }

    /// <summary>Lays out the page table, each token's page and the query tiles of all rows and of the wanted ones.</summary>
    private void FillPages(StepBatch batch)
    {
        CpuActivations a = activations;
        ReadOnlySpan<int> owners = batch.Owners, positions = batch.Positions;
        int row = 0, wanted = 0, table = 0;
        (TileCount, _wantedTileCount) = (0, 0);
        for (int sequence = 0; sequence < batch.Sequences.Count; sequence++)
        {
            int firstRow = row, firstWanted = wanted;
            while (row < batch.Count && owners[row] == sequence) row++;
            while (wanted < batch.OutputCount && batch.OutputRows[wanted] < row) wanted++;
            int pages = positions[row - 1] / KvPages.PageTokens + 1;
            ReadOnlySpan<int> owned = batch.Sequences[sequence].Pages[..pages];
            foreach (int page in owned)
                if ((uint)page >= (uint)pageCount)
                    throw new ArgumentException("A sequence of the batch belongs to another cache.", nameof(batch));
            owned.CopyTo(new Span<int>(a.PageTable + table, pages));
            for (int i = firstRow; i < row; i++) a.Pages[i] = owned[positions[i] / KvPages.PageTokens];
            TileCount = AddTiles(a.Tiles, TileCount, firstRow, row, table);
            _wantedTileCount = AddTiles(a.WantedTiles, _wantedTileCount, firstWanted, wanted, table);
            table += pages;
        }
    }

    private static int AddTiles(QueryTile* tiles, int count, int first, int end, int pageTable)
    {
        for (; first < end; first += QueryTile.MaxRows)
            tiles[count++] = new QueryTile { FirstRow = first, Rows = Math.Min(QueryTile.MaxRows, end - first), PageTable = pageTable };
        return count;
    }
}
