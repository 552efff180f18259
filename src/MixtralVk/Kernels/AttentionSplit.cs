using MixtralVk.Gpu;
using MixtralVk.Model;

namespace MixtralVk.Kernels;

/// <summary>
/// Attention over each 256 keys of a row apart, for long contexts; <see cref="AttentionMerge"/> adds them up. Split and merge give the bits
/// of <see cref="AttentionPrefill"/>.
/// </summary>
/// <param name="KvFormat">Format of the pools.</param>
/// <param name="Tiles">As <see cref="QueryBlock.WriteTiles"/> writes them.</param>
/// <param name="Positions">uint (rows).</param>
/// <param name="Owners">uint (rows): index of the row's sequence.</param>
/// <param name="PageTables">uint (sequences, MaxPages): page of each 32 positions.</param>
/// <param name="Queries">float (rows, QueryStride): head h at h * HeadDim.</param>
/// <param name="Keys">The layer's key pool.</param>
/// <param name="Values">The layer's value pool.</param>
/// <param name="Partials">float (rows, QueryHeads, MaxSplits, HeadDim + 2): largest score, sum of exponentials, weighted values.</param>
/// <param name="QueryHeads">Number of query heads.</param>
/// <param name="KvHeads">Number of key (or value) heads; divides QueryHeads.</param>
/// <param name="HeadDim">Length of a head; even, at most 256.</param>
/// <param name="QueryStride">Length of a row of Queries.</param>
/// <param name="MaxPages">Length of a page table.</param>
/// <param name="MaxSplits">Splits of the longest context: <see cref="SplitsOf"/>.</param>
/// <param name="Block">Queries of a workgroup.</param>
/// <param name="PassingLanes">Lanes that load for each other: 4 or 8, no more than the smallest subgroup.</param>
/// <param name="Form">How lanes work together.</param>
/// <param name="MaxTiles">Most tiles of a step.</param>
internal readonly record struct AttentionSplit(KvFormat KvFormat, BufferView Tiles, BufferView Positions, BufferView Owners,
    BufferView PageTables,
    BufferView Queries, BufferView Keys, BufferView Values, BufferView Partials, uint QueryHeads, uint KvHeads,
    uint HeadDim, uint QueryStride,
    uint MaxPages, uint MaxSplits, QueryBlock Block, uint PassingLanes, AttentionForm Form, uint MaxTiles) : IKernel
{
    /// <summary>Keys of a split.</summary>
    public const uint SplitKeys = 256;

    /// <summary>Splits of a context of <paramref name="contextLength"/> tokens.</summary>
    public static uint SplitsOf(uint contextLength) => Grid.Cover(contextLength, SplitKeys);

    /// <summary>Bytes of the partial results.</summary>
    public static ulong PartialBytes(uint maxRows, uint queryHeads, uint maxSplits, uint headDim) =>
        (ulong)maxRows * queryHeads * maxSplits * (headDim + 2) * sizeof(float);

    /// <summary>Factor of the scores.</summary>
    public float Scale => 1 / MathF.Sqrt(HeadDim);

    private uint HeadsPerBlock => Block.Heads;

    private uint RowsPerTile => Block.Rows;

    private uint Lanes => Form.Lanes(PassingLanes);

    public string Shader => KvFormat switch
    {
        KvFormat.F16 => "attention/attention_split_f16",
        KvFormat.F32 => "attention/attention_split_f32",
        KvFormat.Q8_0 => "attention/attention_split_q8_0",
    };

    public DispatchSize Workgroups => new(Block.HeadBlocks(QueryHeads, KvHeads), MaxTiles, MaxSplits);

    public void Bind(ref Bindings b)
    {
        b.Constant(QueryHeads);
        b.Constant(KvHeads);
        b.Constant(HeadDim);
        b.Constant(HeadsPerBlock);
        b.Constant(RowsPerTile);
        b.Constant(PassingLanes);
        b.Constant(Lanes);
        b.Constant(MaxSplits);
        b.Read(Tiles);
        b.Read(Positions);
        b.Read(Owners);
        b.Read(PageTables);
        b.Read(Queries);
        b.Read(Keys);
        b.Read(Values);
        b.Read(Queries, BindingKind.FloatTexels, "QueryTexels");
        b.Read(Keys, BindingKind.UintTexels, "KeyTexels");
        b.Read(Values, BindingKind.UintTexels, "ValueTexels");
        b.Write(Partials);
        b.Push(QueryStride);
        b.Push(MaxPages);
        b.Push(Scale);
    }
}
