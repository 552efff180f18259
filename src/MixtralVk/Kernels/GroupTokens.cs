using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>
/// Lists the entries (token * TopK + choice) of every expert that lies in a slot, ascending, and writes the indirect dispatches of the
/// slots' products: each exists in a variant of each <see cref="ExpertWidth"/>, of which two get a zero size. An id out of range belongs to
/// no expert. A dense block is one expert with TopK 1 and ids 0.
/// </summary>
/// <param name="Rows">First word: tokens of this step.</param>
/// <param name="Ids">uint (rows, TopK), from <see cref="RouterTopK"/>.</param>
/// <param name="Slots">uint (ExpertCount): slot of each expert; not below <paramref name="SlotCount"/> for none.</param>
/// <param name="Groups">uint2 (SlotCount): count and offset into Entries; <see cref="GroupBytes"/>.</param>
/// <param name="Entries">uint (MaxRows * TopK).</param>
/// <param name="Arguments">uint3 (SlotCount, 6), packed: see <see cref="ArgumentOffset"/>; <see cref="ArgumentBytes"/>.</param>
/// <param name="ExpertCount">Number of experts; at most 128.</param>
/// <param name="SlotCount">Number of slots, at most ExpertCount.</param>
/// <param name="TopK">Experts per token.</param>
/// <param name="GateUp">The gate/up dispatches of a slot.</param>
/// <param name="Down">The down dispatches of a slot.</param>
/// <param name="MaxRows">Most tokens of a step.</param>
internal readonly record struct GroupTokens(BufferView Rows, BufferView Ids, BufferView Slots, BufferView Groups, BufferView Entries,
    BufferView Arguments,
    uint ExpertCount, uint SlotCount, uint TopK, ExpertGrids GateUp, ExpertGrids Down, uint MaxRows) : IKernel
{
    private const ulong DispatchBytes = 3 * sizeof(uint);

    /// <summary>Bytes of Groups.</summary>
    public static ulong GroupBytes(uint slotCount) => slotCount * 2 * sizeof(uint);

    /// <summary>Bytes of Arguments.</summary>
    public static ulong ArgumentBytes(uint slotCount) => slotCount * 6 * DispatchBytes;

    /// <summary>Where a slot's dispatch size (three uints) lies in Arguments.</summary>
    public static ulong ArgumentOffset(uint slot, bool down, ExpertWidth width) =>
        (slot * 6 + (down ? 3u : 0u) + (uint)width) * DispatchBytes;

    public string Shader => "experts/group_tokens";

    public DispatchSize Workgroups => new(1);

    public void Bind(ref Bindings b)
    {
        b.Constant(ExpertCount);
        b.Constant(TopK);
        b.Constant(MaxRows);
        b.Constant(GateUp.SingleLimit, "GateUpSingleLimit");
        b.Constant(GateUp.NarrowLimit, "GateUpNarrowLimit");
        b.Constant(GateUp.Single.TokensPerPass, "GateUpSingleTokens");
        b.Constant(GateUp.Single.Splits, "GateUpSingleSplits");
        b.Constant(GateUp.Narrow.TokensPerPass, "GateUpNarrowTokens");
        b.Constant(GateUp.Narrow.Splits, "GateUpNarrowSplits");
        b.Constant(GateUp.Wide.TokensPerPass, "GateUpWideTokens");
        b.Constant(GateUp.Wide.Splits, "GateUpWideSplits");
        b.Constant(Down.SingleLimit, "DownSingleLimit");
        b.Constant(Down.NarrowLimit, "DownNarrowLimit");
        b.Constant(Down.Single.TokensPerPass, "DownSingleTokens");
        b.Constant(Down.Single.Splits, "DownSingleSplits");
        b.Constant(Down.Narrow.TokensPerPass, "DownNarrowTokens");
        b.Constant(Down.Narrow.Splits, "DownNarrowSplits");
        b.Constant(Down.Wide.TokensPerPass, "DownWideTokens");
        b.Constant(Down.Wide.Splits, "DownWideSplits");
        b.Read(Rows);
        b.Read(Ids);
        b.Read(Slots);
        b.Write(Groups);
        b.Write(Entries);
        b.Write(Arguments);
        b.Push(SlotCount);
        b.Push(GateUp.Single.Workgroups, "GateUpSingleWorkgroups");
        b.Push(GateUp.Narrow.Workgroups, "GateUpNarrowWorkgroups");
        b.Push(GateUp.Wide.Workgroups, "GateUpWideWorkgroups");
        b.Push(Down.Single.Workgroups, "DownSingleWorkgroups");
        b.Push(Down.Narrow.Workgroups, "DownNarrowWorkgroups");
        b.Push(Down.Wide.Workgroups, "DownWideWorkgroups");
    }
}

/// <summary>Size of the dispatch of one variant for one slot.</summary>
/// <param name="Workgroups">x (the most over the ranges of the matrix; a kernel ignores what it lacks).</param>
/// <param name="TokensPerPass">Entries of a workgroup in y.</param>
/// <param name="Splits">z.</param>
internal readonly record struct ExpertGrid(uint Workgroups, uint TokensPerPass, uint Splits = 1);

/// <summary>The dispatches of an expert's product: see <see cref="ExpertVariants"/>.</summary>
internal readonly record struct ExpertGrids(ExpertGrid Single, ExpertGrid Narrow, ExpertGrid Wide, uint SingleLimit, uint NarrowLimit)
{
    /// <summary>The grids of a matrix whose largest range has <paramref name="rows"/> rows.</summary>
    public static ExpertGrids Of(ExpertVariants variants, uint rows) =>
        new(Of(variants.Single, rows), Of(variants.Narrow, rows), Of(variants.Wide, rows), variants.SingleLimit, variants.NarrowLimit);

    private static ExpertGrid Of(ProductVariant variant, uint rows) =>
        new(Grid.Cover(rows, variant.WorkgroupRows), variant.TokensPerPass, variant.WorkgroupSplits);
}
