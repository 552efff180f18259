namespace MixtralVk.Scheduling;

/// <summary>
/// What the latest tick granted, and what is left of it. A grant replaces the one before, so nothing is saved up; what was overdrawn is
/// deducted. Renewed by any thread without waiting; all else is the worker's.
/// </summary>
internal sealed class FrameGrant(bool onCpu, TimeProvider clock)
{
    /// <summary>A grant that no other replaces ends by itself: who stops ticking stops the model.</summary>
    private static readonly TimeSpan s_lifetime = TimeSpan.FromMilliseconds(100);

    /// <summary>Most grants that an overdraft is deducted from: one bad stage is not to silence the model for minutes.</summary>
    private const int MostDebt = 8;

    /// <summary>
    /// A frame that takes more than this of its grant is one of the rare ones. As stages take now more, now less, a part of every grant is
    /// left free: each rare frame makes it larger, each other one smaller, so that it stays where rare ones are one in twenty.
    /// </summary>
    private const double RareUse = 1.2, Larger = 0.095, Smaller = 0.005, MostReserve = 0.3;

    // One word, so that it changes as a whole: number of the tick (16 bits), microseconds of GPU and of CPU (24 bits each).
    private const int MicrosecondBits = 24;
    private const long MostMicroseconds = (1 << MicrosecondBits) - 1;
    private long _published, _renewed;

    private long _seen;
    private double _granted, _left, _cpuLeft, _used, _reserve;
    private bool _isUntouched;

    /// <summary>Ticks so far, as the worker has seen them.</summary>
    public long Frame { get; private set; }

    /// <summary>What the latest tick granted for the device; infinite without a limit.</summary>
    public double Granted => _granted * 1000 >= MostMicroseconds ? double.PositiveInfinity : _granted;

    /// <summary>A new grant.</summary>
    public void Renew(FrameBudget budget)
    {
        long tick = ((Volatile.Read(ref _published) >>> 2 * MicrosecondBits) + 1) & 0xFFFF;
        Volatile.Write(ref _renewed, clock.GetTimestamp());
        Volatile.Write(ref _published,
            tick << 2 * MicrosecondBits | Microseconds(budget.GpuMilliseconds) << MicrosecondBits | Microseconds(budget.CpuMilliseconds));
    }

    /// <summary>
    /// True when something expected to take so long may begin; NaN is unknown. What is longer than a whole grant begins with a grant of its
    /// own, and so does the unknown.
    /// </summary>
    public bool Allows(double expected, out double left)
    {
        Look();
        double free = _reserve * _granted;
        left = onCpu || _cpuLeft > 0 ? _left - free : 0;
        if (left <= 0 || clock.GetElapsedTime(Volatile.Read(ref _renewed)) > s_lifetime) return false;
        return expected <= left || _isUntouched && !(expected <= _granted - free);
    }

    /// <summary>The device worked so long.</summary>
    public void Spend(double milliseconds)
    {
        _left -= milliseconds;
        _used += milliseconds;
        _isUntouched = false;
    }

    /// <summary>Tokens were chosen for so long.</summary>
    public void SpendChoosing(double milliseconds)
    {
        if (onCpu) _left -= milliseconds;
        else _cpuLeft -= milliseconds;
    }

    private void Look()
    {
        long published = Volatile.Read(ref _published);
        if (published == _seen) return;
        Frame += (published >>> 2 * MicrosecondBits) - (_seen >>> 2 * MicrosecondBits) & 0xFFFF;
        _seen = published;
        if (_used > 0) _reserve = Math.Clamp(_reserve + (_used > RareUse * _granted ? Larger : -Smaller), 0, MostReserve);
        _used = 0;
        double gpu = (published >>> MicrosecondBits & MostMicroseconds) / 1000.0, cpu = (published & MostMicroseconds) / 1000.0;
        _granted = onCpu ? cpu : gpu;
        _left = _granted + Math.Clamp(_left, -MostDebt * _granted, 0);
        _cpuLeft = cpu + Math.Clamp(_cpuLeft, -MostDebt * cpu, 0);
        _isUntouched = true;
    }

    private static long Microseconds(double milliseconds) => milliseconds > 0 ? (long)Math.Min(MostMicroseconds, milliseconds * 1000) : 0;
}
