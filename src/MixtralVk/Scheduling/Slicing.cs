using System.Diagnostics;
using MixtralVk.Model;

namespace MixtralVk.Scheduling;

/// <summary>How the device's work keeps to what is granted: in slices, each as long as is expected to fit.</summary>
internal sealed partial class Scheduler
{
    /// <summary>A step of each class of row counts up to those that a device records for a chunk.</summary>
    private static readonly int[] s_warmUpRows = [1, 2, 4, 8, 16, 32];

    /// <summary>Most bytes of pages that are copied at once: on their way to a file they lie in memory that is taken for that.</summary>
    private const long MostPageBytes = 16 << 20;

    private readonly int _mostPages;

    /// <summary>
    /// On the worker's thread: of so many tokens, all of whose rows are wanted, as many as are to be computed in one step.
    /// </summary>
    public int ChunkOf(int tokens) => _planner.ChunkOf(Math.Min(tokens, _forward.MaxBatchTokens), Granted);

    /// <summary>
    /// On the worker's thread: runs the stages of a step that has begun, and before them the copies of pages that it needs. False when
    /// nobody wants its results any more.
    /// </summary>
    public bool Run(StepBatch step)
    {
        if (!TryMovePages(step)) return false;
        while (_forward.NextStage < _forward.Stages.Count)
        {
            int first = _forward.NextStage;
            if (!Await(_costs.Of(_forward.Stages[first], step.Count, step.OutputCount), step, out double left)) return false;
            RunSlice(step, _costs.Fitting(first, step.Count, step.OutputCount, Math.Min(left, MostSliceMilliseconds)));
            SaveForRearranging(Spend());
        }
        return true;
    }

    /// <summary>
    /// On the worker's thread: makes the copies of pages that have been taken note of. False when nobody wants <paramref name="step"/> any
    /// more, or at the end.
    /// </summary>
    public bool TryMovePages(StepBatch? step)
    {
        while (_forward.PagesToMove > 0)
        {
            int pages = AwaitPages(_forward.PagesToMove, step);
            if (pages == 0) return false;
            _forward.MovePages(pages);
            SpendPages(pages);
        }
        return true;
    }

    /// <summary>On the worker's thread: waits until pages may be copied; gives how many at once, of so many, and 0 at the end.</summary>
    public int AwaitPages(int most, StepBatch? step = null) =>
        most > 0 && Await(_costs.OfPage, step, out double left)
            ? Math.Min(Math.Min(most, _mostPages), _costs.PagesFitting(Math.Min(left, MostSliceMilliseconds))) : 0;

    /// <summary>So many pages were copied.</summary>
    public void SpendPages(int pages) => _costs.LearnPages(pages, Spend());

    /// <summary>Tokens were chosen, or other work of the processor was done, since a stopwatch timestamp.</summary>
    public void SpendChoosing(long start) => _grant?.SpendChoosing(Stopwatch.GetElapsedTime(start).TotalMilliseconds);

    private double Granted => _grant?.Granted ?? double.PositiveInfinity;

    /// <summary>Takes note of what the device just did; gives its milliseconds.</summary>
    private double Spend()
    {
        double milliseconds = _forward.RunTime.TotalMilliseconds;
        _grant?.Spend(milliseconds);
        Slices.Add(new Slice(_grant?.Frame ?? 0, milliseconds, Granted));
        return milliseconds;
    }

    private void RunSlice(StepBatch step, int count)
    {
        int first = _forward.NextStage;
        _forward.Run(count);
        _costs.Learn(first, count, step.Count, step.OutputCount, _forward.RunTime.TotalMilliseconds);
    }

    /// <summary>
    /// Waits until something expected to take so long may begin; false when it never will: everybody has left <paramref name="step"/>, its
    /// device is to be left, or the end has come.
    /// </summary>
    private bool Await(double expected, StepBatch? step, out double left)
    {
        while (true)
        {
            int seen = _bell.Epoch;
            left = double.PositiveInfinity;
            if (_stop || step is { IsAbandoned: true }) return false;
            if (_isLost) return step is null; // there is nothing to spend a grant on
            if (!_isPaused && (_grant is null || _grant.Allows(expected, out left))) return true;
            _bell.Wait(seen);
        }
    }

    /// <summary>
    /// Runs a step of every size that is recorded, before any frame has to wait for one: drivers do the last of their compiling at the
    /// first run, and what stages take is known then.
    /// </summary>
    private void WarmUp()
    {
        using var sequence = new KvSequence(_forward.Pages);
        int[] tokens = new int[Math.Min(s_warmUpRows[^1], _batch.Capacity)];
        for (int round = 0; round < 2; round++)
        {
            foreach (int rows in s_warmUpRows)
            {
                if (rows > tokens.Length) break;
                _batch.Clear();
                _batch.Add(sequence, tokens.AsSpan(0, rows), rows == s_warmUpRows[^1] ? LogitRows.Last : LogitRows.All);
                _forward.Begin(_batch);
                while (_forward.NextStage < _forward.Stages.Count) RunSlice(_batch, 1);
                sequence.Truncate(0);
            }
        }
        _batch.Clear();
    }
}
