namespace MixtralVk;

/// <summary>Tells a part of loading, which counts its own bytes only, as part of the whole.</summary>
internal sealed class PartProgress : IProgress<LoadProgress>
{
    private readonly IProgress<LoadProgress> _whole;
    private readonly long _before, _after;

    private PartProgress(IProgress<LoadProgress> whole, long before, long after) => (_whole, _before, _after) = (whole, before, after);

    /// <summary>The part between so many bytes before it and so many after it; null where nobody wants to know.</summary>
    public static PartProgress? Of(IProgress<LoadProgress>? whole, long before, long after) =>
        whole is null ? null : new PartProgress(whole, before, after);

    public void Report(LoadProgress value) =>
        _whole.Report(value with { DoneBytes = _before + value.DoneBytes, TotalBytes = _before + value.TotalBytes + _after });
}
