using System.Diagnostics;
using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// The recorded stages of a slice on their way to the device: neighbours are joined, handed over together, waited for, and timed from
/// <see cref="Begin"/> to <see cref="End"/>: by the device where it has a clock, else by the host.
/// </summary>
internal sealed class SliceRuns(GpuDevice device) : IDisposable
{
    private readonly StageRun[] _queued = new StageRun[4]; // of the next submission: two parts between the clock's ends
    private int _queuedCount;
    private SliceClock? _clock;
    private long _start;

    /// <summary>What the latest slice took.</summary>
    public TimeSpan Time { get; private set; }

    /// <summary>Has slices timed by the device itself from now on, where it can.</summary>
    public void UseDeviceClock() => _clock = device.HasTimestamps ? new SliceClock(device) : null;

    /// <summary>Begins a slice.</summary>
    public void Begin()
    {
        _start = Stopwatch.GetTimestamp();
        _queuedCount = 0; // of one that failed
        if (_clock is not null) Add(_clock.Begin);
    }

    /// <summary>
    /// Adds what is recorded in a part for a stage of the model, but for the last <paramref name="leaveOut"/>, or its last
    /// <paramref name="only"/> recorded stages.
    /// </summary>
    public void Add(RecordedPart part, int stage, int leaveOut, int only)
    {
        (int first, int end) = part.Of(stage);
        end -= leaveOut;
        first = Math.Max(first, end - only);
        if (first < end) Add(new StageRun(part.Recording, first, end - first));
    }

    /// <summary>Adds recorded stages.</summary>
    public void Add(StageRun run)
    {
        if (_queuedCount > 0 && _queued[_queuedCount - 1] is var last && last.Recording == run.Recording
            && last.FirstStage + last.StageCount == run.FirstStage)
            _queued[_queuedCount - 1] = last with { StageCount = last.StageCount + run.StageCount };
        else _queued[_queuedCount++] = run;
    }

    /// <summary>Hands over what was added; the ticket of the latest submission.</summary>
    public ulong Submit()
    {
        int count = _queuedCount;
        _queuedCount = 0;
        try
        {
            return count == 0 ? device.Queue.Submitted : device.Queue.Submit(_queued.AsSpan(0, count));
        }
        catch (Exception problem) when (problem is not DeviceLostException) // no memory, or a host's lock threw
        {
            device.Queue.Wait(device.Queue.Submitted); // what the slice handed over before: nobody else will wait for it
            throw;
        }
    }

    /// <summary>Hands over what was added and waits for it and for what was handed over before.</summary>
    public void SubmitAndWait() => device.Queue.Wait(Submit());

    /// <summary>Ends a slice: all of it is done.</summary>
    public void End()
    {
        if (_clock is not null) Add(_clock.End);
        SubmitAndWait();
        Time = _clock?.Time ?? Stopwatch.GetElapsedTime(_start);
    }

    public void Dispose() => _clock?.Dispose();
}
