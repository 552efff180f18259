namespace MixtralVk;

/// <summary>Adds up the bytes that several threads are done with, and tells the sums one at a time, so that they rise.</summary>
internal sealed class ByteProgress(IProgress<LoadProgress>? progress, long total)
{
    private readonly Lock _lock = new();
    private long _done;

    /// <summary>So many bytes more are done.</summary>
    public void Add(long bytes, string what)
    {
        lock (_lock) progress?.Report(new LoadProgress(_done += bytes, total, what));
    }
}
