using System.Runtime.ExceptionServices;

namespace MixtralVk.Scheduling;

/// <summary>Work between steps that makes later ones faster (<see cref="Model.ForwardPass.Rearrange"/>): within a part of the time that steps take, and within the grant.</summary>
internal sealed partial class Scheduler
{
    private const double RearrangingShare = 0.1, MostSavedMilliseconds = 100;

    private double _saved;

    private void SaveForRearranging(double stepMilliseconds) => _saved = Math.Min(MostSavedMilliseconds, _saved + RearrangingShare * stepMilliseconds);

    private void Rearrange()
    {
        try
        {
            while (_saved > 0 && !_isLost && _forward.RearrangementMilliseconds is double expected && !(Math.Min(expected, MostSavedMilliseconds) > _saved)
                && Await(expected, null, out _))
            {
                _forward.Rearrange();
                _saved -= Spend();
            }
        }
        catch (Exception problem) // the readers get it
        {
            if (IsLoss(problem)) Lose(problem);
            else
                lock (Gate)
                    while (_active.Count > 0) Fail(_active[0], ExceptionDispatchInfo.Capture(problem));
        }
    }
}
