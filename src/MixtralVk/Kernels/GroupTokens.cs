using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>
/// Lists the entries (token * TopK + slot) of every expert, ascending, and writes the indirect dispatches of the expert products: each exists
/// in a narrow and a wide variant, of which one gets a zero size. An id out of range belongs to no expert. A dense block is one expert with
/// TopK 1 and ids 0.
/// </summary>
/// <param name="Rows">First word: tokens of this step.</param>
/// <param name="Ids">uint (rows, TopK), from <see cref="RouterTopK"/>.</param>
/// <param name="Groups">uint2 (ExpertCount): count and offset into Entries; <see cref="GroupBytes"/>.</param>
/// <param name="Entries">uint (MaxRows * TopK).</param>
/// <param name="Arguments">uint3 (ExpertCount, 4), packed: see <see cref="ArgumentOffset"/>; <see cref="ArgumentBytes"/>.</param>
/// <param name="ExpertCount">Number of experts; at most 128.</param>
/// <param name="TopK">Experts per token.</param>
/// <param name="GateUpWorkgroups">x of the gate/up dispatches (the most over the ranges of the matrix; a kernel ignores what it lacks).</param>
/// <param name="DownWorkgroups">x of the down dispatches.</param>
/// <param name="NarrowTokens">TokensPerPass of the narrow variant.</param>
/// <param name="WideTokens">TokensPerPass of the wide variant.</param>
/// <param name="NarrowLimit">Most entries of an expert for which the narrow variant runs.</param>
/// <param name="MaxRows">Most tokens of a step.</param>
internal readonly record struct GroupTokens(BufferView Rows, BufferView Ids, BufferView Groups, BufferView Entries, BufferView Arguments,
    uint ExpertCount, uint TopK, uint GateUpWorkgroups, uint DownWorkgroups, uint NarrowTokens, uint WideTokens, uint NarrowLimit,
    uint MaxRows) : IKernel
{
    private const ulong DispatchBytes = 3 * sizeof(uint);

    /// <summary>Bytes of Groups.</summary>
    public static ulong GroupBytes(uint expertCount) => expertCount * 2 * sizeof(uint);

    /// <summary>Bytes of Arguments.</summary>
    public static ulong ArgumentBytes(uint expertCount) => expertCount * 4 * DispatchBytes;

    /// <summary>Where an expert's dispatch size (three uints) lies in Arguments.</summary>
    public static ulong ArgumentOffset(uint expert, bool down, bool wide) =>
        (expert * 4 + (down ? 2u : 0u) + (wide ? 1u : 0u)) * DispatchBytes;

    public string Shader => "experts/group_tokens";

    public DispatchSize Workgroups => new(1);

    public void Bind(ref Bindings b)
    {
        b.Constant(ExpertCount);
        b.Constant(TopK);
        b.Constant(MaxRows);
        b.Constant(GateUpWorkgroups);
        b.Constant(DownWorkgroups);
        b.Constant(NarrowTokens);
        b.Constant(WideTokens);
        b.Constant(NarrowLimit);
        b.Read(Rows);
        b.Read(Ids);
        b.Write(Groups);
        b.Write(Entries);
        b.Write(Arguments);
    }
}
