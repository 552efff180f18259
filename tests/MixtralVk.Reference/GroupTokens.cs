namespace MixtralVk.Reference;

/// <summary>
/// Which (token, slot) pairs each expert serves. Worked example, 3 tokens, top-2, 4 experts:
/// <code>
/// ids     = 2 0 | 0 3 | 2 1     // (token, slot)
/// Counts  = 2 1 2 1             // per expert
/// Offsets = 0 2 3 5             // where an expert's entries begin
/// Entries = 1 2 | 5 | 0 4 | 3   // token * topK + slot, ascending within an expert
/// </code>
/// </summary>
public static class GroupTokens
{
    /// <param name="ids">(tokens, topK) expert ids</param>
    /// <param name="experts">Number of experts.</param>
    public static (int[] Counts, int[] Offsets, int[] Entries) Run(ReadOnlySpan<int> ids, int experts)
    {
        var (counts, offsets, entries) = (new int[experts], new int[experts], new List<int>());
        for (int e = 0; e < experts; e++)
        {
            offsets[e] = entries.Count;
            for (int i = 0; i < ids.Length; i++)
                if (ids[i] == e) entries.Add(i);
            counts[e] = entries.Count - offsets[e];
        }
        return (counts, offsets, [.. entries]);
    }
}
