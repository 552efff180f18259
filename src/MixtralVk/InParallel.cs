using System.Runtime.ExceptionServices;

namespace MixtralVk;

/// <summary>Work for several threads at once; what one of them throws is thrown as it is, as its reason is reason enough.</summary>
internal static class InParallel
{
    /// <summary>Does something for each item, on at most so many threads.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static void ForEach<T>(IEnumerable<T> items, int threads, Action<T> body, CancellationToken cancellation)
    {
        try
        {
            Parallel.ForEach(items, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation }, body);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }
}
