namespace MixtralVk.Gpu;

/// <summary>
/// Remembers the accesses that no barrier has separated from what comes next, and says whether a new access conflicts with one of them:
/// read after write, write after read or write after write on overlapping bytes. Recorders place barriers by it; tests replay submitted
/// work through it.
/// </summary>
internal sealed class RangeTracker
{
    private readonly List<(Access Access, int Group)> _open = [];

    /// <summary>
    /// The first pair of a remembered access and one of the command's that conflict, or null. Commands of one concurrent group were
    /// declared to touch different bytes.
    /// </summary>
    public (Access Earlier, Access Later)? Conflict(Command command)
    {
        foreach (Access access in command.Accesses)
            foreach ((Access earlier, int group) in _open)
                if ((earlier.Writes || access.Writes) && (group == 0 || group != command.Group) && earlier.View.Overlaps(access.View))
                    return (earlier, access);
        return null;
    }

    /// <summary>Remembers the accesses of a command.</summary>
    public void Add(Command command)
    {
        foreach (Access access in command.Accesses) _open.Add((access, command.Group));
    }

    /// <summary>A barrier: forgets the accesses of its source scope.</summary>
    public void Barrier(BarrierCommand barrier) => _open.RemoveAll(a => (a.Access.Kind & barrier.From) == a.Access.Kind);
}
