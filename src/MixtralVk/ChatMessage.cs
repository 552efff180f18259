namespace MixtralVk;

/// <summary>Who says something in a conversation.</summary>
public enum ChatRole
{
    /// <summary>Instructions to the model: who it is, what it knows.</summary>
    System,
    /// <summary>The player or customer.</summary>
    User,
    /// <summary>The model.</summary>
    Assistant,
}

/// <summary>One contribution to a conversation.</summary>
public readonly record struct ChatMessage(ChatRole Role, string Text);
