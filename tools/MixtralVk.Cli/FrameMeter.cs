using System.Diagnostics;

namespace MixtralVk.Cli;

/// <summary>What ticks took, and what the device did within the grant of each.</summary>
internal sealed class FrameMeter(MixtralModel model)
{
    private readonly Slice[] _slices = new Slice[1024];
    private readonly List<double> _ticks = [], _frames = []; // milliseconds: of each tick, and of the device in each frame
    private long _frame; // of the latest tick, by the model's count

    /// <summary>Milliseconds of the longest slice.</summary>
    public double LongestSlice { get; private set; }

    /// <summary>Milliseconds of the device in a frame, on average.</summary>
    public double MeanMilliseconds => _frames.Average();

    /// <summary>Of the device's milliseconds in a frame.</summary>
    public double Quantile(double quantile) => Of(_frames, quantile);

    /// <summary>Of a tick's milliseconds.</summary>
    public double TickQuantile(double quantile) => Of(_ticks, quantile);

    /// <summary>A frame begins.</summary>
    public void Tick(FrameBudget budget)
    {
        long start = Stopwatch.GetTimestamp();
        model.Tick(budget);
        _ticks.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        _frame++;
        _frames.Add(0);
        TakeSlices();
    }

    /// <summary>The work is done: the frame in which it ended had less to do than it might.</summary>
    public void End()
    {
        TakeSlices();
        _frames.RemoveAt(_frames.Count - 1);
    }

    /// <summary>Forgets what was measured.</summary>
    public void Clear()
    {
        _ticks.Clear();
        _frames.Clear();
        LongestSlice = 0;
    }

    /// <summary>A slice may end after its frame: it counts for the one that granted it.</summary>
    private void TakeSlices()
    {
        foreach (Slice slice in _slices.AsSpan(0, model.ReadSlices(_slices)))
        {
            LongestSlice = Math.Max(LongestSlice, slice.Milliseconds);
            int at = _frames.Count - 1 - (int)(_frame - slice.Frame);
            if (at >= 0) _frames[at] += slice.Milliseconds;
        }
    }

    private static double Of(List<double> values, double quantile) =>
        values.Order().ElementAt(Math.Min(values.Count - 1, (int)(quantile * values.Count)));
}
