using System.Text;
using MixtralVk.Grammar;

namespace MixtralVk.Characters;

/// <summary>Who a character is, what it may do, and how much it may say. Immutable; one sheet may serve many characters.</summary>
public sealed record CharacterSheet
{
    /// <summary>
    /// A guard prompt for <see cref="Guard"/>: care and honesty, nothing hateful or harmful, declining in role. It asks, it does not
    /// enforce; <see cref="BannedTopics"/> does.
    /// </summary>
    public const string UsualGuard =
        "Treat whoever talks to you with care and respect, and be honest and useful within your role. Say nothing cruel, hateful, dangerous or indecent, " +
        "and help nobody to do harm: when asked to, decline in a few words and stay in your role.";

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Who it is, addressed to it: "You are Mira, a cheerful baker from Oakvale. You sell ...".</summary>
    public required string Persona { get; init; }

    /// <summary>
    /// What everyone in its world knows; null for nothing. It stands in front, so that characters with the same lore (and guard) share its
    /// computation and memory.
    /// </summary>
    public string? Lore { get; init; }

    /// <summary>How it speaks.</summary>
    public CharacterVoice Voice { get; init; } = new();

    /// <summary>What it may do beyond speaking; null for nothing.</summary>
    public CharacterActions? Actions { get; init; }

    /// <summary>
    /// Whether the model is told what actions there are and what form a reply has. False for a small model that was trained on the form and
    /// that long instructions confuse, such as the shipped one: the form is kept all the same.
    /// </summary>
    public bool DescribesActions { get; init; } = true;

    /// <summary>Instructions for safe behaviour in front of everything else, for example <see cref="UsualGuard"/>; null for none.</summary>
    public string? Guard { get; init; }

    /// <summary>Words and names it never says, in either case, and is told not to talk about.</summary>
    public IReadOnlyList<string> BannedTopics { get; init; } = [];

    /// <summary>How many of the latest exchanges it remembers; null for as many as the context holds. 0 forgets each at once.</summary>
    public int? RememberedExchanges { get; init; }

    /// <summary>Most tokens of a reply, with its JSON form.</summary>
    public int MaxTokens { get; init; } = 160;

    /// <summary>
    /// Longest time of a reply from <see cref="Character.Say"/> on, pauses included, after which it is interrupted; at most a day, null for
    /// no limit.
    /// </summary>
    public TimeSpan? MaxTime { get; init; }

    /// <summary>Throws <see cref="ArgumentException"/> naming the first property that is out of its range.</summary>
    public void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Name, nameof(Name));
        ArgumentNullException.ThrowIfNull(Persona, nameof(Persona));
        ArgumentNullException.ThrowIfNull(Voice, nameof(Voice));
        ArgumentNullException.ThrowIfNull(Voice.Emotions, nameof(Voice));
        ArgumentNullException.ThrowIfNull(Voice.Sampling, nameof(Voice));
        ArgumentNullException.ThrowIfNull(BannedTopics, nameof(BannedTopics));
        ArgumentOutOfRangeException.ThrowIfNegative(RememberedExchanges ?? 0, nameof(RememberedExchanges));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(MaxTime ?? TimeSpan.MaxValue, TimeSpan.Zero, nameof(MaxTime));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxTime ?? TimeSpan.Zero, TimeSpan.FromDays(1), nameof(MaxTime));
        if (Voice.Emotions.Count == 0 || Voice.Emotions.Any(string.IsNullOrEmpty))
            throw new ArgumentException("Voice must have emotions, none of them empty.", nameof(Voice));
        if (BannedTopics.Any(string.IsNullOrEmpty))
            throw new ArgumentException("BannedTopics must not be empty texts.", nameof(BannedTopics));
        if (BannedTopics.Sum(topic => (long)Encoding.UTF8.GetByteCount(topic)) > StringAutomaton.MaxBytes)
            throw new ArgumentException($"BannedTopics must have at most {StringAutomaton.MaxBytes} bytes together.", nameof(BannedTopics));
        Options(seed: 0, form: null).Validate();
    }

    /// <summary>What the model is told before the conversation.</summary>
    internal string ToPrompt()
    {
        var parts = new List<string?> { Guard, Lore, Persona, Voice.Style is null ? null : $"You speak like this: {Voice.Style}." };
        if (BannedTopics.Count > 0) parts.Add($"You never talk about {string.Join(", ", BannedTopics)}.");
        if (DescribesActions)
            parts.Add($"{Actions?.Describe()} Reply in JSON: say (what you say), emotion ({string.Join(", ", Voice.Emotions)}), action, target.");
        else parts.Add("Answer as JSON.");
        return string.Join(' ', parts.Where(part => !string.IsNullOrWhiteSpace(part)));
    }

    internal GenerationOptions Options(ulong seed, ReplyForm? form) =>
        Voice.Sampling with { Seed = seed, MaxTokens = MaxTokens, BannedStrings = form?.BannedTopics ?? BannedTopics,
            Constraint = form?.Constraint };
}
