namespace MixtralVk.Gpu;

/// <summary>
/// Replays submitted commands through <see cref="RangeTracker"/>s, in the order of submission, and keeps the first conflict that nothing
/// separates: within a queue a barrier does, which counts only for the access kinds it names on both sides; between two queues
/// <see cref="GpuQueue.Await"/>, of the latest submission. For tests: the validation layer sees no hazards between submissions or of
/// indirect arguments, and a software driver runs everything in order. Thread-safe.
/// </summary>
internal sealed class HazardReplay
{
    /// <summary>What the commands of a queue may conflict with: its own, and those of other queues.</summary>
    private sealed record Seen(RangeTracker Own, RangeTracker Others);

    private readonly Lock _lock = new();
    private readonly Dictionary<GpuQueue, Seen> _queues = [];
    private string? _hazard;

    /// <summary>The first hazard as a sentence, or null.</summary>
    public string? Hazard
    {
        get { lock (_lock) return _hazard; }
    }

    /// <summary>A queue from its first submission on.</summary>
    public void Watch(GpuQueue queue)
    {
        lock (_lock) _queues.Add(queue, new Seen(new RangeTracker(), new RangeTracker()));
    }

    /// <summary>Replays stages of a recording that were submitted to a queue.</summary>
    public void Add(GpuQueue queue, Recording recording, int firstStage, int stageCount)
    {
        lock (_lock)
        {
            for (int i = firstStage; i < firstStage + stageCount; i++)
                foreach (Command command in recording.Stages[i].Commands)
                {
                    Add(command, _queues[queue].Own, queue.Accesses);
                    AddBetweenQueues(command, queue);
                }
        }
    }

    /// <summary>What a queue was told to wait for.</summary>
    public void Await(GpuQueue queue, GpuQueue other, ulong ticket)
    {
        lock (_lock)
            if (ticket == other.Submitted) _queues[queue].Others.Barrier(new BarrierCommand(BarrierCommand.Device, BarrierCommand.Device));
    }

    /// <summary>The first hazard of a list of commands, or null.</summary>
    public static string? Find(IEnumerable<Command> commands)
    {
        var replay = new HazardReplay();
        var tracker = new RangeTracker();
        foreach (Command command in commands) replay.Add(command, tracker, BarrierCommand.Device);
        return replay._hazard;
    }

    private void Add(Command command, RangeTracker tracker, AccessKind everything)
    {
        if (command is BarrierCommand barrier)
        {
            if ((barrier.To & everything) == everything) tracker.Barrier(barrier);
            return;
        }
        Check(command, tracker);
        tracker.Add(command);
    }

    /// <summary>
    /// An indirect dispatch may have nothing to do, as that of a slot in which no expert is computed: it is not taken for a conflict.
    /// </summary>
    private void AddBetweenQueues(Command command, GpuQueue queue)
    {
        if (command is not DispatchCommand { Indirect: not null }) Check(command, _queues[queue].Others);
        foreach ((GpuQueue other, Seen seen) in _queues)
            if (other != queue) seen.Others.Add(command);
    }

    private void Check(Command command, RangeTracker tracker)
    {
        if (tracker.Conflict(command) is var (earlier, later))
            _hazard ??= $"{Describe(command)}: {later.Kind} of {Describe(later)} after {earlier.Kind} of {Describe(earlier)} "
                + "without a barrier";
    }

    private static string Describe(Command command) =>
        command is DispatchCommand dispatch ? dispatch.Pipeline.ToString() : command.GetType().Name;

    private static string Describe(Access access) => $"{access.View.Buffer.Name}[{access.View.Offset}, +{access.View.Length})";
}
