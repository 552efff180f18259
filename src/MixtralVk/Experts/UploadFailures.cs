using System.Diagnostics;

namespace MixtralVk.Experts;

/// <summary>Uploads that failed, and the time without another try after one: what was lacking is not back at once.</summary>
internal sealed class UploadFailures
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5);

    private long _latest; // timestamp

    /// <summary>How many there were.</summary>
    public int Count { get; private set; }

    /// <summary>Whether it is too early for another try.</summary>
    public bool AreRecent => Count > 0 && Stopwatch.GetElapsedTime(_latest) < s_pause;

    /// <summary>One more.</summary>
    public void Add()
    {
        Count++;
        _latest = Stopwatch.GetTimestamp();
    }
}
