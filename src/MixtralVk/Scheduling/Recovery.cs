using MixtralVk.Gpu;

namespace MixtralVk.Scheduling;

/// <summary>What happens when the device is gone: every text stays as tokens, and is computed again on the next one.</summary>
internal sealed partial class Scheduler
{
    private readonly Func<DeviceLostException?, bool>? _recover;
    private volatile bool _isLost;
    private DeviceLostException? _lost;

    /// <summary>The device is to be left before the next step.</summary>
    public void LeaveDevice()
    {
        _isLost = true;
        Wake();
    }

    private bool IsLoss(Exception problem) => problem is DeviceLostException && _recover is not null;

    private void Lose(Exception loss)
    {
        _lost = (DeviceLostException)loss;
        _isLost = true;
    }

    /// <summary>
    /// False while there is no device. What waits for one stays; where none can be had it fails, and the next to come has it tried again.
    /// </summary>
    private bool TryRecover()
    {
        lock (Gate)
        {
            _members.Clear();
            _batch.Clear();
            foreach (IErrand errand in _errands) errand.Restart(Gate);
            _forward.Pages.Forget();
        }
        _isLost = false; // before: meanwhile the next one may have to be left, too
        try
        {
            if (_recover!(_lost))
            {
                _lost = null;
                return true;
            }
            _isLost = true;
            return false;
        }
        catch (Exception problem) // the readers get it
        {
            _isLost = true;
            lock (Gate)
            {
                FailAll(problem);
                while (_errands.TryDequeue(out IErrand? errand)) errand.Fail(Gate, problem);
            }
            return false;
        }
    }
}
