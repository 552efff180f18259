namespace MixtralVk;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended its text.</summary>
    EndOfText,
    /// <summary><see cref="GenerationOptions.MaxTokens"/> was reached.</summary>
    MaxTokens,
    /// <summary>One of <see cref="GenerationOptions.StopStrings"/> appeared.</summary>
    StopString,
    /// <summary>The context is full.</summary>
    ContextFull,
    /// <summary>The caller cancelled, or left the loop.</summary>
    Cancelled,
}
