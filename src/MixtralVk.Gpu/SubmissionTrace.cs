namespace MixtralVk.Gpu;

/// <summary>The commands submitted to a queue, in order, for the hazard replay of the tests. Thread-safe.</summary>
internal sealed class SubmissionTrace
{
    private readonly Lock _lock = new();
    private readonly List<Command> _commands = [];

    public IReadOnlyList<Command> Commands
    {
        get { lock (_lock) return [.. _commands]; }
    }

    public void Add(Recording recording, int firstStage, int stageCount)
    {
        lock (_lock)
            for (int i = firstStage; i < firstStage + stageCount; i++) _commands.AddRange(recording.Stages[i].Commands);
    }

    /// <summary>
    /// Replays commands through a <see cref="RangeTracker"/>. Returns the first conflict no barrier separates as a sentence, or null. A
    /// barrier counts only for the access kinds it names on both sides.
    /// </summary>
    public static string? FindHazard(IEnumerable<Command> commands)
    {
        var tracker = new RangeTracker();
        AccessKind visible = BarrierCommand.Device;
        int index = 0;
        foreach (Command command in commands)
        {
            if (command is BarrierCommand barrier)
            {
                if ((barrier.To & visible) == visible) tracker.Barrier(barrier);
            }
            else
            {
                if (tracker.Conflict(command) is var (earlier, later))
                    return $"command {index} ({Describe(command)}): {later.Kind} of {Describe(later)} after {earlier.Kind} of {Describe(earlier)} without a barrier";
                tracker.Add(command);
            }
            index++;
        }
        return null;
    }

    private static string Describe(Command command) => command is DispatchCommand dispatch ? dispatch.Pipeline.ToString() : command.GetType().Name;

    private static string Describe(Access access) => $"{access.View.Buffer.Name}[{access.View.Offset}, +{access.View.Length})";
}
