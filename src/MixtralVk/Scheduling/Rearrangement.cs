using MixtralVk.Gpu;

namespace MixtralVk.Scheduling;

/// <summary>
/// Work between steps that makes later ones faster or gives memory back (<see cref="Model.ForwardPass.Rearrange"/>): within a part of the
/// time that steps take, or while nobody waits for one, and within the grant.
/// </summary>
internal sealed partial class Scheduler
{
    /// <summary>Part of the time of steps.</summary>
    internal const double RearrangingShare = 0.1;

    private const double MostSavedMilliseconds = 100;

    private double _saved;

    private void SaveForRearranging(double stepMilliseconds) =>
        _saved = Math.Min(MostSavedMilliseconds, _saved + RearrangingShare * stepMilliseconds);

    /// <summary>After a step: as much as was saved up for.</summary>
    private void Rearrange()
    {
        while (_saved > 0 && TryRearrange(_saved)) _saved = Math.Max(0, _saved - _forward.RunTime.TotalMilliseconds);
    }

    /// <summary>The next piece of work, if it is expected to take at most so long; false when it was not done.</summary>
    private bool TryRearrange(double most)
    {
        try
        {
            if (_isLost || _forward.RearrangementMilliseconds is not double expected || Math.Min(expected, MostSavedMilliseconds) > most)
                return false;
            if (!Await(expected, null, out _) || _isLost) return false;
            _forward.Rearrange();
            Spend();
            return true;
        }
        catch (OutOfGpuMemoryException) // no text waits for this; a step that finds no memory tells its own
        {
            return false;
        }
        catch (Exception problem) // the readers get it
        {
            LoseOrFailAll(problem);
            return false;
        }
    }
}
