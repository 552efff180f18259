namespace MixtralVk.Gpu;

/// <summary>
/// Replays submitted commands through a <see cref="RangeTracker"/>, in the order of submission, and keeps the first conflict that no
/// barrier separates. A barrier counts only for the access kinds it names on both sides. For tests: the validation layer sees no hazards
/// between submissions or of indirect arguments, and a software driver runs everything in order. Thread-safe.
/// </summary>
internal sealed class HazardReplay
{
    private readonly Lock _lock = new();
    private readonly RangeTracker _tracker = new();
    private string? _hazard;

    /// <summary>The first hazard as a sentence, or null.</summary>
    public string? Hazard
    {
        get { lock (_lock) return _hazard; }
    }

    /// <summary>Replays stages of a recording.</summary>
    public void Add(Recording recording, int firstStage, int stageCount)
    {
        lock (_lock)
            for (int i = firstStage; i < firstStage + stageCount; i++)
                foreach (Command command in recording.Stages[i].Commands) Add(command);
    }

    /// <summary>The first hazard of a list of commands, or null.</summary>
    public static string? Find(IEnumerable<Command> commands)
    {
        var replay = new HazardReplay();
        foreach (Command command in commands) replay.Add(command);
        return replay._hazard;
    }

    private void Add(Command command)
    {
        if (command is BarrierCommand barrier)
        {
            if ((barrier.To & BarrierCommand.Device) == BarrierCommand.Device) _tracker.Barrier(barrier);
            return;
        }
        if (_tracker.Conflict(command) is var (earlier, later))
            _hazard ??= $"{Describe(command)}: {later.Kind} of {Describe(later)} after {earlier.Kind} of {Describe(earlier)} without a barrier";
        _tracker.Add(command);
    }

    private static string Describe(Command command) =>
        command is DispatchCommand dispatch ? dispatch.Pipeline.ToString() : command.GetType().Name;

    private static string Describe(Access access) => $"{access.View.Buffer.Name}[{access.View.Offset}, +{access.View.Length})";
}
