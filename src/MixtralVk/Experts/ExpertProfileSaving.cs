namespace MixtralVk.Experts;

/// <summary>
/// Writes a profile every few minutes in which experts were used, on a thread of the pool, and at the end: a process that is killed begins
/// the next time about as warm. Who uses the experts goes on meanwhile: the counts of a moment later do as well.
/// </summary>
internal sealed class ExpertProfileSaving : IDisposable
{
    /// <summary>Less than a conversation that changes the use much, more than would wear out a disk.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(2);

    private readonly ExpertProfile _profile;
    private readonly ExpertUse _use;
    private readonly double[] _saved; // the counts as they were written last
    private readonly Lock _lock = new();
    private readonly Timer _timer;
    private bool _disposed;

    /// <param name="profile">Where counts go.</param>
    /// <param name="use">The counts, as they were read from there, or none.</param>
    /// <param name="period">Time between two looks at them.</param>
    public ExpertProfileSaving(ExpertProfile profile, ExpertUse use, TimeSpan period)
    {
        (_profile, _use, _saved) = (profile, use, use.Counts.ToArray());
        _timer = new Timer(static me => ((ExpertProfileSaving)me!).Save(), this, period, period);
    }

    private void Save()
    {
        lock (_lock)
        {
            if (_disposed || _use.Counts.SequenceEqual(_saved)) return;
            _use.Counts.CopyTo(_saved);
            try
            {
                _profile.Write(_saved);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // No disk: the next start begins with the profile before, or none.
            }
        }
    }

    /// <summary>Writes for the last time.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        Save();
        lock (_lock) _disposed = true;
    }
}
