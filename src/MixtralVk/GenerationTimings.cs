namespace MixtralVk;

/// <summary>What a generation took.</summary>
/// <param name="ReusedTokens">Tokens of the prompt that were in the KV cache already.</param>
/// <param name="PromptTokens">Tokens of the prompt that had to be computed.</param>
/// <param name="PromptTime">Time for them.</param>
/// <param name="GeneratedTokens">Tokens generated.</param>
/// <param name="GenerationTime">Time for them, without what the caller did in between.</param>
public readonly record struct GenerationTimings(int ReusedTokens, int PromptTokens, TimeSpan PromptTime, int GeneratedTokens,
    TimeSpan GenerationTime)
{
    /// <summary>Prompt tokens per second; 0 when none were computed.</summary>
    public double PromptTokensPerSecond => Rate(PromptTokens, PromptTime);

    /// <summary>Generated tokens per second; 0 when there are none.</summary>
    public double GeneratedTokensPerSecond => Rate(GeneratedTokens, GenerationTime);

    private static double Rate(int tokens, TimeSpan time) => time > TimeSpan.Zero ? tokens / time.TotalSeconds : 0;
}
