namespace MixtralVk;

/// <summary>What comes first when the model has more to do than it can do at once.</summary>
public enum Priority
{
    /// <summary>
    /// Chatter nobody waits for: computed when nothing else is to do, or where it costs the others little; never forgotten altogether.
    /// </summary>
    Background,
    /// <summary>The usual.</summary>
    Normal,
    /// <summary>Whom the player looks at: before everyone else.</summary>
    Focus,
}
