namespace MixtralVk;

/// <summary>The model does not fit the memory it may use.</summary>
public sealed class MemoryBudgetException : MixtralException
{
    /// <summary>Makes the exception: <paramref name="needed"/> bytes where <paramref name="budget"/> are allowed.</summary>
    public MemoryBudgetException(long needed, long budget)
        : base($"The model needs {needed / 1048576.0:F0} MiB with this context, but the memory budget is {budget / 1048576.0:F0} MiB; raise it, shorten the context or take a smaller model.")
    {
        Needed = needed;
        Budget = budget;
    }

    /// <summary>Bytes needed.</summary>
    public long Needed { get; }

    /// <summary>Bytes allowed.</summary>
    public long Budget { get; }
}
