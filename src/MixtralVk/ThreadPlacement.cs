using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace MixtralVk;

/// <summary>
/// Priority and processors of the threads that the engine starts. Those of the program are left as they are: the ones that call, and the
/// thread pool's, which take part while a model is loaded.
/// </summary>
/// <param name="Priority">
/// On Linux it becomes a nice value: 19 for <see cref="ThreadPriority.Lowest"/>, 10, -5, -10; a process without the right to go below what
/// it has keeps that. Below normal the policy is that for batch work, too: a thread that wakes interrupts nobody.
/// </param>
/// <param name="Affinity">
/// The processors they may use, bit n for processor n of the first 64; 0 sets no bound. A mask the system refuses, and systems other than
/// Linux and Windows, leave the threads free.
/// </param>
public sealed unsafe partial record ThreadPlacement(ThreadPriority Priority = ThreadPriority.Normal, ulong Affinity = 0)
{
    private const int PrioProcess = 0, SchedBatch = 3;

    /// <summary>Places the calling thread. .NET itself knows no priorities on Linux and no affinity.</summary>
    internal void Apply()
    {
        Thread.CurrentThread.Priority = Priority;
        ulong processors = Affinity;
        if (OperatingSystem.IsLinux())
        {
            // To Linux a thread is a process of its own; id 0 is the caller.
            int noPriority = 0; // of the real-time kind
            if (Priority < ThreadPriority.Normal) _ = SetScheduler(0, SchedBatch, &noPriority);
            if (Priority != ThreadPriority.Normal) _ = SetPriority(PrioProcess, 0, Nice(Priority));
            if (processors != 0) _ = SetAffinity(0, sizeof(ulong), &processors);
        }
        else if (OperatingSystem.IsWindows() && processors != 0)
        {
            _ = SetThreadAffinityMask(GetCurrentThread(), (nuint)processors);
        }
    }

    /// <summary>
    /// Calls something on a thread so placed, and waits for it: on Linux the threads that it starts inherit the placement, a software
    /// driver's among them. The thread is a short-lived one, as no thread may raise itself again.
    /// </summary>
    internal T Call<T>(Func<T> action)
    {
        T result = default!;
        ExceptionDispatchInfo? problem = null;
        var thread = new Thread(() =>
        {
            Apply();
            try
            {
                result = action();
            }
            catch (Exception e) // the caller gets it
            {
                problem = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        problem?.Throw();
        return result;
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

    [LibraryImport("libc", EntryPoint = "sched_setscheduler")]
    private static partial int SetScheduler(int thread, int policy, int* priority);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nuint bytes, ulong* mask);

    [LibraryImport("kernel32")]
    private static partial nint GetCurrentThread();

    [LibraryImport("kernel32")]
    private static partial nuint SetThreadAffinityMask(nint thread, nuint mask);
}
