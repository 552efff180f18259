using System.Runtime.InteropServices;

namespace MixtralVk.Cpu;

/// <summary>Priority and processors of the calling thread, as far as the system lets: .NET itself knows no priorities on Linux and no affinity.</summary>
internal static unsafe partial class ThreadPlacement
{
    private const int PrioProcess = 0;

    /// <summary>Places the calling thread.</summary>
    /// <param name="priority">Its priority.</param>
    /// <param name="processors">Bit n for processor n; 0 leaves them as they are.</param>
    public static void Apply(ThreadPriority priority, ulong processors)
    {
        Thread.CurrentThread.Priority = priority;
        if (OperatingSystem.IsLinux())
        {
            // To Linux a thread is a process of its own; id 0 is the caller.
            if (priority != ThreadPriority.Normal) _ = SetPriority(PrioProcess, 0, Nice(priority));
            if (processors != 0) _ = SetAffinity(0, sizeof(ulong), &processors);
        }
        else if (OperatingSystem.IsWindows() && processors != 0)
        {
            _ = SetThreadAffinityMask(GetCurrentThread(), (nuint)processors);
        }
    }

    private static int Nice(ThreadPriority priority) => priority switch
    {
        ThreadPriority.Lowest => 19,
        ThreadPriority.BelowNormal => 10,
        ThreadPriority.AboveNormal => -5,
        ThreadPriority.Highest => -10,
        _ => 0,
    };

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int nice);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nuint bytes, ulong* mask);

    [LibraryImport("kernel32")]
    private static partial nint GetCurrentThread();

    [LibraryImport("kernel32")]
    private static partial nuint SetThreadAffinityMask(nint thread, nuint mask);
}
