using System.Diagnostics;
using MixtralVk;

namespace TavernGame;

/// <summary>
/// A frame: what it took in all (milliseconds, without the wait for the next) and allocated, the number of its tick (0 for none), what that
/// took, of it on the processor, and allocated, what the device did for the guests within it, and whether a reply began or ended in it.
/// </summary>
internal record struct Frame(double Milliseconds, long Bytes, int Tick, double TickMilliseconds, double? TickProcessorMilliseconds,
    long TickBytes, double AiMilliseconds, bool HasEvent);

/// <summary>The loop: 60 times a second the game's own work, the guests' tick, the picture.</summary>
internal sealed class Game(Tavern tavern, FrameBudget budget)
{
    public const double FrameMilliseconds = 1000.0 / 60;

    private readonly Fireplace _fireplace = new();
    private readonly Slice[] _slices = new Slice[1024];
    private readonly List<Frame> _frames = new(1 << 16);
    private readonly List<double> _device = new(1 << 16) { 0 }; // what it did within each tick's grant; it may end after the frame
    private int _ticks;

    public Tavern Tavern => tavern;

    public FrameBudget Budget { get; set; } = budget;

    public int FrameCount => _frames.Count;

    /// <summary>The longest that the device did in one go, since this was set to 0.</summary>
    public double LongestSlice { get; set; }

    public bool AiIsOn { get; set; } = true;

    /// <summary>Runs a frame and waits for the time of the next; <paramref name="draw"/> makes the picture.</summary>
    public void RunFrame(Action? draw = null)
    {
        long start = Stopwatch.GetTimestamp(), startBytes = GC.GetAllocatedBytesForCurrentThread();
        int events = tavern.Events;
        var frame = new Frame();
        _fireplace.Burn();
        if (AiIsOn)
        {
            tavern.KeepTalking();
            double? processor = ThreadTime.Milliseconds;
            long bytes = GC.GetAllocatedBytesForCurrentThread(), tick = Stopwatch.GetTimestamp();
            tavern.Model.Tick(Budget);
            frame.TickMilliseconds = Stopwatch.GetElapsedTime(tick).TotalMilliseconds;
            frame.TickProcessorMilliseconds = ThreadTime.Milliseconds - processor;
            frame.TickBytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
            frame.Tick = ++_ticks;
            _device.Add(0);
            NoteSlices();
        }
        draw?.Invoke();
        frame.Milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        frame.Bytes = GC.GetAllocatedBytesForCurrentThread() - startBytes;
        frame.HasEvent = tavern.Events != events;
        _frames.Add(frame);
        double left = FrameMilliseconds - Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        if (left > 0) Thread.Sleep(TimeSpan.FromMilliseconds(left));
    }

    /// <summary>The frames from the n-th on.</summary>
    public IEnumerable<Frame> FramesFrom(int first) =>
        _frames.Skip(first).Select(frame => frame with { AiMilliseconds = _device[frame.Tick] });

    private void NoteSlices()
    {
        int count = tavern.Model.ReadSlices(_slices);
        for (int i = 0; i < count; i++)
        {
            LongestSlice = Math.Max(LongestSlice, _slices[i].Milliseconds);
            _device[(int)_slices[i].Frame] += _slices[i].Milliseconds;
        }
    }
}
