using System.Runtime.InteropServices;

namespace TavernGame;

/// <summary>Processor time of the calling thread: what a stopwatch shows beyond it, the system has given to somebody else.</summary>
internal static partial class ThreadTime
{
    private const int ThreadClock = 3;

    /// <summary>Milliseconds so far; null where the system does not tell finely enough.</summary>
    public static double? Milliseconds =>
        OperatingSystem.IsLinux() && ClockGetTime(ThreadClock, out TimeSpec time) == 0 ? time.Seconds * 1e3 + time.Nanoseconds / 1e6 : null;

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        public nint Seconds, Nanoseconds;
    }
}
