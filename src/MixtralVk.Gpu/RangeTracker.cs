namespace MixtralVk.Gpu;

/// <summary>
/// Remembers the accesses that no barrier has separated from what comes next, and says whether a new access conflicts with one of them:
/// read after write, write after read or write after write on overlapping bytes. Recorders place barriers by it; tests replay submitted
/// work through it.
/// </summary>
internal sealed class RangeTracker
{
    private readonly List<Access> _open = [];

    /// <summary>The first remembered access that conflicts with <paramref name="access"/>, or null.</summary>
    public Access? Conflict(in Access access)
    {
        foreach (Access earlier in _open)
            if ((earlier.Writes || access.Writes) && earlier.View.Overlaps(access.View)) return earlier;
        return null;
    }

    /// <summary>True when one of the accesses conflicts.</summary>
    public bool Conflicts(IReadOnlyList<Access> accesses)
    {
        for (int i = 0; i < accesses.Count; i++) if (Conflict(accesses[i]) is not null) return true;
        return false;
    }

    /// <summary>Remembers accesses.</summary>
    public void Add(IReadOnlyList<Access> accesses) => _open.AddRange(accesses);

    /// <summary>A barrier: forgets the accesses of its source scope.</summary>
    public void Barrier(BarrierCommand barrier) => _open.RemoveAll(a => (a.Kind & barrier.From) == a.Kind);
}
