namespace MixtralVk.Characters;

/// <summary>How a character speaks.</summary>
public sealed record CharacterVoice
{
    /// <summary>In a few words for the model, for example "gruff, in short sentences"; null for nothing.</summary>
    public string? Style { get; init; }

    /// <summary>The emotions it can show; the first is the usual one.</summary>
    public IReadOnlyList<string> Emotions { get; init; } =
        ["neutral", "friendly", "happy", "kind", "calm", "proud", "sad", "shy", "sly", "stern", "suspicious", "tired", "angry", "afraid"];

    /// <summary>
    /// How its words are chosen; token limit, form and banned strings are the sheet's. With a seed the same lines get the same replies.
    /// </summary>
    public GenerationOptions Sampling { get; init; } = new();
}
