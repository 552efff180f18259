namespace MixtralVk.Cpu;

/// <summary>
/// Which (token, slot) pairs each expert serves. Worked example, 3 tokens, top-2, 4 experts:
/// <code>
/// ids     = 2 0 | 0 3 | 2 1     // (token, slot)
/// Counts  = 2 1 2 1             // per expert
/// Offsets = 0 2 3 5             // where an expert's entries begin
/// Entries = 1 2 | 5 | 0 4 | 3   // token * TopK + slot, ascending within an expert
/// Active  = 0 1 2 3             // experts with entries
/// </code>
/// </summary>
internal unsafe struct ExpertGroups
{
    /// <summary>Slots of a token.</summary>
    public int TopK;
    /// <summary>Experts in <see cref="Active"/>.</summary>
    public int ActiveCount;
    /// <summary>(experts)</summary>
    public int* Counts, Offsets, Active;
    /// <summary>(tokens * TopK)</summary>
    public int* Entries;
}

/// <summary>Sorts the router's choices by expert.</summary>
internal static unsafe class GroupTokens
{
    /// <summary>Fills <paramref name="groups"/> from the ids.</summary>
    /// <param name="ids">(tokens, TopK), each in 0 .. <paramref name="experts"/> - 1.</param>
    /// <param name="experts">Number of experts.</param>
    /// <param name="groups">What is filled.</param>
    /// <param name="elsewhere">(experts): who is not served here and gets no entries; empty for none.</param>
    /// <returns>Number of entries.</returns>
    public static int Run(ReadOnlySpan<int> ids, int experts, ref ExpertGroups groups, ReadOnlySpan<bool> elsewhere = default)
    {
        int offset = 0;
        var counts = new Span<int>(groups.Counts, experts);
        counts.Clear();
        foreach (int id in ids)
            if (elsewhere.IsEmpty || !elsewhere[id]) counts[id]++;
        groups.ActiveCount = 0;
        for (int e = 0; e < experts; e++)
        {
            groups.Offsets[e] = offset;
            offset += counts[e];
            if (counts[e] > 0) groups.Active[groups.ActiveCount++] = e;
        }
        counts.Clear();
        for (int i = 0; i < ids.Length; i++)
            if (elsewhere.IsEmpty || !elsewhere[ids[i]]) groups.Entries[groups.Offsets[ids[i]] + counts[ids[i]]++] = i;
        return offset;
    }

    /// <summary>The grouping of a dense block: one expert serves every token.</summary>
    public static void Dense(int tokens, ref ExpertGroups groups)
    {
        groups.ActiveCount = 1;
        groups.Active[0] = groups.Offsets[0] = 0;
        groups.Counts[0] = tokens;
        for (int t = 0; t < tokens; t++) groups.Entries[t] = t;
    }
}
