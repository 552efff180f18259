using System.Diagnostics;

namespace MixtralVk.Cli;

/// <summary>What this process has used so far.</summary>
internal static class ProcessMeter
{
    /// <summary>CPU time of all threads, in seconds.</summary>
    public static double CpuSeconds => Environment.CpuUsage.TotalTime.TotalSeconds;

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
