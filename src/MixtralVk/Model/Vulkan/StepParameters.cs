using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// A set of rows as kernels see it: the tokens of a step, or those of them whose logits are wanted.
/// </summary>
/// <param name="Rows">First word: number of rows.</param>
/// <param name="Positions">uint (rows): position in the sequence.</param>
/// <param name="Owners">uint (rows): index of the sequence's page table.</param>
/// <param name="SplitSize">Size of the attention-split dispatch, three words.</param>
internal readonly record struct RowSet(BufferView Rows, BufferView Positions, BufferView Owners, BufferView SplitSize);

/// <summary>
/// The small buffer that the host writes for each step: counts, token ids, positions and page tables. Everything that differs between two
/// steps is in here, so that recordings can be submitted again unchanged.
/// </summary>
internal sealed class StepParameters : IDisposable
{
    private readonly GpuBuffer _buffer;
    private readonly int _maxPages, _queryHeads;

    public StepParameters(GpuDevice device, ModelConfig config, int maxBatchTokens, int contextLength)
    {
        _maxPages = KvPages.PagesFor(contextLength);
        _queryHeads = config.HeadCount;
        ulong alignment = Math.Max(16, device.Limits.MinStorageBufferOffsetAlignment);
        ulong end = 0;
        ulong Place(int words)
        {
            ulong offset = end;
            end = (end + (ulong)words * 4 + alignment - 1) / alignment * alignment;
            return offset;
        }
        ulong[] offsets = [.. Enumerable.Range(0, 8).Select(i => Place(i < 2 ? 4 : maxBatchTokens)), Place(4), Place(4)];
        ulong pageTables = Place(maxBatchTokens * _maxPages);
        _buffer = device.CreateBuffer(end, BufferUse.Parameters, "step parameters");
        BufferView View(int i, int words) => new(_buffer, offsets[i], (ulong)words * 4);
        Tokens = new RowSet(View(0, 4), View(2, maxBatchTokens), View(3, maxBatchTokens), View(8, 3));
        Outputs = new RowSet(View(1, 4), View(4, maxBatchTokens), View(5, maxBatchTokens), View(9, 3));
        TokenIds = View(6, maxBatchTokens);
        OutputRows = View(7, maxBatchTokens);
        PageTables = new BufferView(_buffer, pageTables, (ulong)(maxBatchTokens * _maxPages) * 4);
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

    /// <summary>Writes a batch. The device must be done with the step before.</summary>
    public void Write(StepBatch batch)
    {
        Span<int> outputPositions = Words(Outputs.Positions), outputOwners = Words(Outputs.Owners);
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
            outputOwners[i] = batch.Owners[row];
            longestOutput = Math.Max(longestOutput, batch.Positions[row] + 1);
        }
        WriteSizes(Tokens, batch.Count, longest);
        WriteSizes(Outputs, batch.OutputCount, longestOutput);
        for (int s = 0; s < batch.Sequences.Count; s++)
        {
            ReadOnlySpan<int> pages = batch.Sequences[s].Pages;
            pages[..Math.Min(pages.Length, _maxPages)].CopyTo(Words(PageTables)[(s * _maxPages)..]);
        }
        _buffer.Flush();
    }

    /// <summary>Only writes: reading mapped device memory back is slow.</summary>
    private void WriteSizes(RowSet set, int rows, int longest)
    {
        Words(set.Rows)[0] = rows;
        Span<int> size = Words(set.SplitSize);
        size[0] = _queryHeads;
        size[1] = rows;
        size[2] = (int)AttentionSplit.SplitsOf((uint)longest);
    }

    private Span<int> Words(BufferView view) => _buffer.Map<int>(view.Offset, view.Length);

    public void Dispose() => _buffer.Dispose();
}
