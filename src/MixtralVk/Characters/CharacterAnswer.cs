using MixtralVk.Grammar;

namespace MixtralVk.Characters;

/// <summary>A complete reply of a character.</summary>
/// <param name="Say">What it says.</param>
/// <param name="Emotion">One of <see cref="CharacterVoice.Emotions"/>.</param>
/// <param name="Action">What it does: one of the sheet's <see cref="CharacterSheet.Actions"/>, or "none".</param>
/// <param name="Target">To whom or with what; empty where there is nothing.</param>
public sealed record CharacterAnswer(string Say, string Emotion, string Action, string Target)
{
    /// <summary>What is remembered of a reply that was interrupted: what was said, in the form of the others.</summary>
    internal static string Interrupted(string said, string emotion) =>
        $$"""{"say":{{JsonText.Of(said)}},"emotion":{{JsonText.Of(emotion)}},"action":"{{CharacterActions.None}}","target":""}""";
}
