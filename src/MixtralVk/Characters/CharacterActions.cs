namespace MixtralVk.Characters;

/// <summary>
/// What characters may do: methods of the game with names and descriptions for the model. <see cref="MixtralModel.Tick"/> calls what a
/// character has decided on, on the thread that ticks, when its reply is complete and read to the end. Add the actions first; then the set
/// may be used by any number of characters. What a method throws comes out of the tick; the action counts as done, and the next tick goes
/// on with what follows.
/// <code>
/// var actions = new CharacterActions()
///     .Add("open_shop", "shows the wares", who => shop.Open(who.Sheet.Name))
///     .Add("give_item", "gives the player an item", items, (who, item) => player.Take(item)); // items: a dictionary of typed things by name
/// </code>
/// </summary>
public sealed class CharacterActions
{
    /// <summary>The name of doing nothing, which is always allowed.</summary>
    public const string None = "none";

    private readonly List<CharacterAction> _actions = [];

    /// <summary>Adds an action without a target.</summary>
    public CharacterActions Add(string name, string description, Action<Character> method)
    {
        ArgumentNullException.ThrowIfNull(method);
        return Add(new CharacterAction(name, description, [""], (who, _) => method(who)));
    }

    /// <summary>Adds an action with any text of at most 60 characters as its target.</summary>
    public CharacterActions Add(string name, string description, Action<Character, string> method)
    {
        ArgumentNullException.ThrowIfNull(method);
        return Add(new CharacterAction(name, description, null, method));
    }

    /// <summary>Adds an action whose target is one of some things, called by their names in the dictionary as it is now.</summary>
    public CharacterActions Add<T>(string name, string description, IReadOnlyDictionary<string, T> targets, Action<Character, T> method)
    {
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(method);
        if (targets.Count == 0) throw new ArgumentException("An action needs at least one target to choose from.", nameof(targets));
        Dictionary<string, T> known = new(targets);
        return Add(new CharacterAction(name, description, [.. known.Keys], (who, target) => method(who, known[target])));
    }

    /// <summary>Adds an action whose target is a value of an enumeration, called by its name.</summary>
    public CharacterActions Add<T>(string name, string description, Action<Character, T> method) where T : struct, Enum =>
        Add(name, description, Enum.GetValues<T>().DistinctBy(value => value.ToString()).ToDictionary(value => value.ToString()), method);

    internal IReadOnlyList<CharacterAction> All => _actions;

    internal string Describe() => "Actions: none" + string.Concat(_actions.Select(action => $"; {action.Describe()}")) + ".";

    /// <summary>The action of a name; null for <see cref="None"/>.</summary>
    internal CharacterAction? Find(string name) => _actions.Find(action => action.Name == name);

    private CharacterActions Add(CharacterAction action)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(action.Name, "name");
        ArgumentNullException.ThrowIfNull(action.Description, "description");
        if (action.Name == None || _actions.Exists(other => other.Name == action.Name))
            throw new ArgumentException($"There is an action '{action.Name}' already.", nameof(action));
        _actions.Add(action);
        return this;
    }
}
