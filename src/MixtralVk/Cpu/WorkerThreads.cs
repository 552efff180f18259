using System.Runtime.ExceptionServices;

namespace MixtralVk.Cpu;

/// <summary>
/// Work cut into items that may run in any order and on any thread. A struct of pointers and numbers, so that starting it allocates
/// nothing.
/// </summary>
internal interface IWork
{
    /// <summary>Does one item; <paramref name="worker"/> (0 = the calling thread) tells which scratch memory is this thread's.</summary>
    void Run(int item, int worker);
}

/// <summary>
/// The threads of the CPU path. The caller works too, so n threads are the caller and n - 1 others. Each has a share of neighbouring items,
/// whose weights lie one after the other in memory, and takes them one by one; who has none left takes those of others, so that all finish
/// together. Which thread does an item changes no bit, as each item owns its outputs.
/// </summary>
internal sealed unsafe class WorkerThreads : IDisposable
{
    // About 20 us: the gap between two kernels of one step. Longer gaps sleep, so an idle model costs nothing.
    private const int SpinRounds = 50;
    // A cache line for each share's next item.
    private const int NextStep = 16;

    private readonly Thread[] _threads;
    private readonly int[] _next;
    private readonly object _gate = new();
    private readonly bool _maySpin;
    private delegate*<void*, int, int, void> _run;
    private void* _work;
    private int _items, _running, _generation;
    private bool _stop;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Starts <paramref name="count"/> - 1 threads.</summary>
    public WorkerThreads(int count, ThreadPlacement? placement = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        _maySpin = count <= Environment.ProcessorCount;
        _threads = new Thread[count - 1];
        _next = new int[count * NextStep];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Serve(worker, placement)) { IsBackground = true, Name = $"MixtralVk CPU {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Threads in all, the caller among them.</summary>
    public int Count => _threads.Length + 1;

    /// <summary>Runs items 0 .. <paramref name="items"/> - 1 and waits for them. Not reentrant.</summary>
    public void Run<TWork>(TWork work, int items) where TWork : unmanaged, IWork
    {
        if (_threads.Length == 0 || items <= 1)
        {
            for (int item = 0; item < items; item++) work.Run(item, 0);
            return;
        }
        _run = &Invoke<TWork>;
        _work = &work;
        _items = items;
        for (int share = 0; share < Count; share++) _next[share * NextStep] = FirstOf(share);
        Volatile.Write(ref _running, _threads.Length);
        lock (_gate)
        {
            Volatile.Write(ref _generation, _generation + 1);
            Monitor.PulseAll(_gate);
        }
        TakeItems(0);
        for (int i = 0; _maySpin && i < SpinRounds && Volatile.Read(ref _running) > 0; i++) Thread.SpinWait(10);
        lock (_gate)
            while (_running > 0) Monitor.Wait(_gate);
        if (Interlocked.Exchange(ref _failure, null) is { } failure) failure.Throw();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stop = true;
            Monitor.PulseAll(_gate);
        }
        foreach (Thread thread in _threads) thread.Join();
    }

    private int FirstOf(int share) => (int)((long)share * _items / Count);

    private static void Invoke<TWork>(void* work, int item, int worker) where TWork : unmanaged, IWork => ((TWork*)work)->Run(item, worker);

    private void Serve(int worker, ThreadPlacement? placement)
    {
        placement?.Apply();
        int seen = 0;
        while (true)
        {
            for (int i = 0; _maySpin && i < SpinRounds && Volatile.Read(ref _generation) == seen; i++) Thread.SpinWait(10);
            lock (_gate)
            {
                while (_generation == seen && !_stop) Monitor.Wait(_gate);
                if (_stop) return;
                seen = _generation;
            }
            TakeItems(worker);
            lock (_gate)
                if (--_running == 0) Monitor.PulseAll(_gate);
        }
    }

    private void TakeItems(int worker)
    {
        try
        {
            for (int i = 0; i < Count; i++)
            {
                int share = (worker + i) % Count, end = FirstOf(share + 1);
                for (int item; (item = Interlocked.Increment(ref _next[share * NextStep]) - 1) < end;) _run(_work, item, worker);
            }
        }
        catch (Exception e)
        {
            // An exception that leaves a thread ends the process; the caller of Run gets it instead.
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            for (int share = 0; share < Count; share++) Volatile.Write(ref _next[share * NextStep], _items);
        }
    }
}
