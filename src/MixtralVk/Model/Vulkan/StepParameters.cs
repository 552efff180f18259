using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// A set of rows as kernels see it: the tokens of a step, or those of them whose logits are wanted.
/// </summary>
/// <param name="Rows">First word: number of rows.</param>
/// <param name="Positions">uint (rows): position in the sequence.</param>
/// <param name="Owners">uint (rows): index of the sequence's page table.</param>
/// <param name="Tiles">Rows that attention takes together (<see cref="QueryBlock.WriteTiles"/>).</param>
/// <param name="AttentionSize">Size of the attention dispatch, three words.</param>
internal readonly record struct RowSet(BufferView Rows, BufferView Positions, BufferView Owners, BufferView Tiles,
    BufferView AttentionSize);

/// <summary>
/// The small buffer that the host writes for each step: counts, token ids, positions and page tables. Everything that differs between two
/// steps is in here, so that recordings can be submitted again unchanged.
/// </summary>
internal sealed class StepParameters : IDisposable
{
    private readonly GpuBuffer _buffer;
    private readonly int _maxPages;
    private readonly uint _queryHeads, _kvHeads;
    private readonly int[] _outputOwners;   // apart, as reading mapped device memory back is slow

    public StepParameters(GpuDevice device, ModelConfig config, int maxBatchTokens, int contextLength)
    {
        _maxPages = KvPages.PagesFor(contextLength);
        (_queryHeads, _kvHeads) = ((uint)config.HeadCount, (uint)config.KvHeadCount);
        _outputOwners = new int[maxBatchTokens];
        ulong alignment = Math.Max(16, device.Limits.MinStorageBufferOffsetAlignment);
        ulong end = 0;
        ulong Place(int words)
        {
            ulong offset = end;
            end = (end + (ulong)words * 4 + alignment - 1) / alignment * alignment;
            return offset;
        }
        // Counts and sizes; then per row; then the tiles and pages.
        int perRow = maxBatchTokens, tiles = QueryBlock.TileWords(maxBatchTokens);
        int[] words = [4, 4, 4, 4, perRow, perRow, perRow, perRow, perRow, perRow, tiles, tiles, maxBatchTokens * _maxPages];
        ulong[] offsets = [.. words.Select(Place)];
        _buffer = device.CreateBuffer(end, BufferUse.Parameters, "step parameters");
        BufferView View(int i) => new(_buffer, offsets[i], (ulong)words[i] * 4);
        Tokens = new RowSet(View(0), View(4), View(5), View(10), View(1));
        Outputs = new RowSet(View(2), View(6), View(7), View(11), View(3));
        TokenIds = View(8);
        OutputRows = View(9);
        PageTables = View(12);
    }

    /// <summary>All tokens of the step.</summary>
    public RowSet Tokens { get; }

    /// <summary>The tokens whose logits are wanted.</summary>
    public RowSet Outputs { get; }

    /// <summary>uint (tokens).</summary>
    public BufferView TokenIds { get; }

    /// <summary>uint (outputs): index into the tokens.</summary>
    public BufferView OutputRows { get; }

    /// <summary>uint (sequences, <see cref="MaxPages"/>).</summary>
    public BufferView PageTables { get; }

    /// <summary>Pages of the longest sequence.</summary>
    public uint MaxPages => (uint)_maxPages;

    /// <summary>
    /// Writes a batch, whose tokens and wanted rows run by the given plans. The device must be done with the step before.
    /// </summary>
    public void Write(StepBatch batch, AttentionPlan tokensPlan, AttentionPlan outputsPlan)
    {
        Span<int> outputPositions = Words(Outputs.Positions);
        batch.Tokens.CopyTo(Words(TokenIds));
        batch.Positions.CopyTo(Words(Tokens.Positions));
        batch.Owners.CopyTo(Words(Tokens.Owners));
        batch.OutputRows.CopyTo(Words(OutputRows));
        int longest = 0, longestOutput = 0;
        foreach (int position in batch.Positions) longest = Math.Max(longest, position + 1);
        for (int i = 0; i < batch.OutputCount; i++)
        {
            int row = batch.OutputRows[i];
            outputPositions[i] = batch.Positions[row];
            _outputOwners[i] = batch.Owners[row];
            longestOutput = Math.Max(longestOutput, batch.Positions[row] + 1);
        }
        ReadOnlySpan<int> outputOwners = _outputOwners.AsSpan(0, batch.OutputCount);
        outputOwners.CopyTo(Words(Outputs.Owners));
        WriteSizes(Tokens, batch.Owners, longest, tokensPlan);
        WriteSizes(Outputs, outputOwners, longestOutput, outputsPlan);
        for (int s = 0; s < batch.Sequences.Count; s++)
        {
            ReadOnlySpan<int> pages = batch.Sequences[s].Pages;
            pages[..Math.Min(pages.Length, _maxPages)].CopyTo(Words(PageTables)[(s * _maxPages)..]);
        }
        _buffer.Flush();
    }

    private void WriteSizes(RowSet set, ReadOnlySpan<int> owners, int longest, AttentionPlan plan)
    {
        Words(set.Rows)[0] = owners.Length;
        Span<int> size = Words(set.AttentionSize);
        size[0] = (int)plan.Block.HeadBlocks(_queryHeads, _kvHeads);
        size[1] = plan.Block.WriteTiles(owners, Words(set.Tiles));
        size[2] = plan.IsSplit ? (int)AttentionSplit.SplitsOf((uint)longest) : 1;
    }

    private Span<int> Words(BufferView view) => _buffer.Map<int>(view.Offset, view.Length);

    public void Dispose() => _buffer.Dispose();
}
