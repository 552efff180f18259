using System.Runtime.ExceptionServices;
using MixtralVk.Gpu;
using MixtralVk.Model;

namespace MixtralVk.Scheduling;

/// <summary>What goes wrong is told to whoever waits for what it ends; where it may go well in another way, that is tried.</summary>
internal sealed partial class Scheduler
{
    /// <summary>A device that is lost may be replaced; anything else ends every text.</summary>
    private void LoseOrFailAll(Exception problem)
    {
        if (IsLoss(problem)) Lose(problem);
        else
            lock (Gate) FailAll(problem);
    }

    /// <summary>Under the gate: ends every text.</summary>
    private void FailAll(Exception problem)
    {
        var captured = ExceptionDispatchInfo.Capture(problem);
        while (_active.Count > 0) Fail(_active[0], captured);
    }

    /// <summary>Ends the step's texts with what went wrong, unless the step may be tried again in another way.</summary>
    private void Fail(Exception problem)
    {
        if (problem is OutOfGpuMemoryException && TryShed()) return;
        var captured = ExceptionDispatchInfo.Capture(problem);
        lock (Gate)
        {
            bool retry = problem is NonFiniteException && _members.Count > 1;
            for (int i = 0; i < _members.Count; i++)
            {
                if (_batch.HasLeft(i)) continue;
                if (retry) _members[i].Sequence.RunsAlone = true;
                else Fail(_members[i].Sequence, captured);
            }
        }
    }

    /// <summary>True where what found no memory may be tried again: something was given up for it, or the device is lost at that.</summary>
    private bool TryShed()
    {
        try
        {
            return _forward.TryShed();
        }
        catch (Exception problem) // the readers get it
        {
            LoseOrFailAll(problem);
            return _isLost;
        }
    }

    private void Fail(Sequence sequence, ExceptionDispatchInfo problem)
    {
        Withdraw(sequence);
        sequence.Failure = problem;
        sequence.News.Raise();
    }
}
