namespace MixtralVk.SaveGames;

/// <summary>What to do with a save that another model made.</summary>
public enum OtherModel
{
    /// <summary>Refuse it with <see cref="SaveGameException"/>.</summary>
    Refuse,
    /// <summary>Replay what was said as text: the memory stays, later replies are the new model's.</summary>
    Replay,
}
