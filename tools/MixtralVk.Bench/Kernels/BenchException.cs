namespace MixtralVk.Bench;

/// <summary>What was asked for cannot be measured: a sentence, and lines that say more.</summary>
internal sealed class BenchException(string message, params IReadOnlyList<string> details) : Exception(message)
{
    /// <summary>Lines to show before the message: compiler errors, differences of an interface.</summary>
    public IReadOnlyList<string> Details => details;
}
