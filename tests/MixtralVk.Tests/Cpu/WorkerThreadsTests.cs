using MixtralVk.Cpu;

namespace MixtralVk.Tests.Cpu;

public sealed unsafe class WorkerThreadsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Every_item_runs_exactly_once_whatever_the_counts(int threadCount)
    {
        using var threads = new WorkerThreads(threadCount);
        Assert.Equal(threadCount, threads.Count);
        int* runs = stackalloc int[100];
        for (int round = 0; round < 200; round++)
        {
            int items = round % 100;
            new Span<int>(runs, 100).Clear();
            threads.Run(new Mark(runs, threadCount), items);
            for (int i = 0; i < 100; i++) Assert.Equal(i < items ? 1 : 0, runs[i]);
            if (round == 120) Thread.Sleep(20);   // the others fall asleep and must wake again
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void An_exception_reaches_the_caller_and_the_threads_live_on(int threadCount)
    {
        using var threads = new WorkerThreads(threadCount);
        for (int bad = 0; bad < 20; bad++) Assert.Throws<InvalidOperationException>(() => threads.Run(new Throw(bad), 20));
        int* runs = stackalloc int[20];
        new Span<int>(runs, 20).Clear();
        threads.Run(new Mark(runs, threadCount), 20);
        for (int i = 0; i < 20; i++) Assert.Equal(1, runs[i]);
    }

    private readonly struct Mark(int* runs, int threadCount) : IWork
    {
        public void Run(int item, int worker)
        {
            if ((uint)worker >= (uint)threadCount) throw new InvalidOperationException("No such worker.");
            Interlocked.Increment(ref runs[item]);
        }
    }

    private readonly struct Throw(int bad) : IWork
    {
        public void Run(int item, int worker)
        {
            if (item == bad) throw new InvalidOperationException();
        }
    }
}
