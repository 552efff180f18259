using MixtralVk.Scheduling;

namespace MixtralVk.Characters;

/// <summary>An action; <paramref name="Targets"/> are all it can have, null for any short text.</summary>
internal sealed record CharacterAction(string Name, string Description, IReadOnlyList<string>? Targets, Action<Character, string> Method)
{
    public string Describe() => Targets switch
    {
        null => $"{Name} ({Description}; target: a name)",
        [""] => $"{Name} ({Description})",
        _ => $"{Name} ({Description}; target: {string.Join(", ", Targets)})",
    };
}

/// <summary>An action that a character has decided on, to be called in the next tick.</summary>
internal sealed class DecidedAction(CharacterAction action, Character who, string target) : ITickReader
{
    private bool _isCalled;

    public bool Read()
    {
        if (_isCalled) return false;
        _isCalled = true; // also when it throws
        action.Method(who, target);
        return false;
    }
}
