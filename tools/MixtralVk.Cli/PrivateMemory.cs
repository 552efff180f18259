using System.Diagnostics;
using System.Globalization;

namespace MixtralVk.Cli;

/// <summary>
/// Watches the memory that belongs to this process alone: not the pages of mapped files, which the system can take back. Linux keeps no
/// peak of it, so a thread looks every few milliseconds.
/// </summary>
internal sealed class PrivateMemory : IDisposable
{
    private const int IntervalMs = 10;

    private readonly ManualResetEventSlim _end = new();
    private readonly Thread? _thread;
    private long _peak;

    public PrivateMemory()
    {
        if (!OperatingSystem.IsLinux()) return;
        _thread = new Thread(Watch) { IsBackground = true, Name = "private memory" };
        _thread.Start();
    }

    /// <summary>The most so far, in bytes; where the system cannot tell, the peak of what was committed.</summary>
    public long PeakBytes
    {
        get
        {
            if (_thread is not null) return Math.Max(Volatile.Read(ref _peak), Now());
            using Process process = Process.GetCurrentProcess();
            return process.PeakPagedMemorySize64;
        }
    }

    public void Dispose()
    {
        _end.Set();
        _thread?.Join();
        _end.Dispose();
    }

    private void Watch()
    {
        do Volatile.Write(ref _peak, Math.Max(_peak, Now()));
        while (!_end.Wait(IntervalMs));
    }

    /// <summary>Anonymous pages in memory and swapped out.</summary>
    private static long Now()
    {
        long kibibytes = 0;
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("RssAnon:", StringComparison.Ordinal) || line.StartsWith("VmSwap:", StringComparison.Ordinal))
                kibibytes += long.Parse(line.AsSpan(line.IndexOf(':') + 1, line.Length - line.IndexOf(':') - 4),
                    CultureInfo.InvariantCulture);
        }
        return kibibytes << 10;
    }
}
