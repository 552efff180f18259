using System.Diagnostics;

namespace MixtralVk.Cli;

/// <summary>What this process has used so far.</summary>
internal static class ProcessMeter
{
    /// <summary>CPU time of all threads, in seconds.</summary>
    public static double CpuSeconds => Environment.CpuUsage.TotalTime.TotalSeconds;

    /// <summary>
    /// Milliseconds from the process's start to the moment <paramref name="timestamp"/> of <see cref="Stopwatch"/>; exact to 10 ms on
    /// Linux.
    /// </summary>
    public static double MillisecondsFromStart(long timestamp)
    {
        using Process process = Process.GetCurrentProcess();
        return (DateTime.UtcNow - process.StartTime.ToUniversalTime() - Stopwatch.GetElapsedTime(timestamp)).TotalMilliseconds;
    }

    /// <summary>The most main memory the process ever held, in bytes.</summary>
    public static long PeakMemory
    {
        get
        {
            using Process process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64;
        }
    }
}
