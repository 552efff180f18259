using MixtralVk;
using MixtralVk.Characters;

namespace TavernGame;

/// <summary>Who a guest is.</summary>
internal sealed record Person(string Name, string Trade, string Home, params Ware[] Wares)
{
    public string Persona =>
        $"You are {Name}, a cheerful {Trade} from {Home}. You sell {string.Join(" and ", Wares.Select(ware => $"a {ware.Name} for {ware.Price} gold"))}.";
}

/// <summary>
/// Somebody in the tavern, to be talked to. What they say and do comes in the game's tick, so nothing here locks or waits.
/// </summary>
internal sealed class Guest : IDisposable
{
    private static readonly string[] s_wishes = ["buy", "take", "give me", "want"];

    private readonly Person _person;
    private readonly string[] _smallTalk;
    private readonly char[] _speech = new char[400];
    private readonly Action<CharacterReply, string> _onSpeech;
    private readonly Action<CharacterReply> _onEnd;
    private CharacterReply? _latest;
    private (string Name, Purse Purse) _customer;
    private int _length;

    public Guest(MixtralModel model, Person person)
    {
        _person = person;
        _smallTalk =
        [
            "Hello, who are you?", $"How much is the {person.Wares[0].Name}?", $"I'll take the {person.Wares[0].Name}.", "Any rumours?",
            "What do you sell?", $"I'd like to buy the {person.Wares[^1].Name}.", "Where do you live?", "Do you have any work for me?",
        ];
        // What they may do is two methods of the game. The model knows them by their names; a ware is one of theirs, never only text.
        CharacterActions actions = new CharacterActions()
            .Add("open_shop", "shows the wares", _ => ShowWares())
            .Add("give_item", "sells a ware", person.Wares.ToDictionary(ware => ware.Name), (_, ware) => Sell(ware));
        Character = new Character(model, new CharacterSheet
        {
            // The shipped model was trained on the form.
            Name = person.Name, Persona = person.Persona, Actions = actions, DescribesActions = false, MaxTokens = 96,
            Voice = new CharacterVoice { Sampling = new GenerationOptions { Temperature = 0.7f, Seed = (ulong)person.Name[0] } },
        });
        // Made once: a tick that hands over speech allocates nothing.
        (_onSpeech, _onEnd) = (Hear, End);
    }

    public Character Character { get; }

    public string Name => _person.Name;

    public Purse Purse { get; } = new();

    /// <summary>What was said to them last.</summary>
    public string Question { get; private set; } = "";

    /// <summary>What they have said of the present reply.</summary>
    public ReadOnlySpan<char> Speech => _speech.AsSpan(0, _length);

    public string Emotion { get; private set; } = "";

    /// <summary>What they did last.</summary>
    public string Deed { get; private set; } = "";

    public bool IsSilent { get; private set; } = true;

    public Talk Talk { get; } = new();

    /// <summary>The same with the tokens of the present reply; allocates.</summary>
    public Talk TalkSoFar => Talk.Sum([Talk, new Talk { Tokens = IsSilent ? 0 : _latest!.TokenCount }]);

    /// <summary>Whom the player looks at speaks first.</summary>
    public bool IsLookedAt
    {
        get => Character.Priority == Priority.Focus;
        set => Character.Priority = value ? Priority.Focus : Priority.Normal;
    }

    /// <summary>The player says something; what they were saying themselves ends.</summary>
    public void Hear(string line, Purse player) => Hear(line, ("you", player));

    /// <summary>Somebody at the next table does.</summary>
    public void HearSmallTalk(Guest neighbour) =>
        Hear(_smallTalk[Character.History.Count() / 2 % _smallTalk.Length], (neighbour.Name, neighbour.Purse));

    public void Dispose() => Character.Dispose();

    private void Hear(string line, (string Name, Purse Purse) customer)
    {
        (Question, Emotion, Deed, _length, IsSilent, _customer) = (line, "", "", 0, false, customer);
        Talk.Begun++;
        _latest = Character.Say(line);
        _latest.ReadInTick(_onSpeech, _onEnd);
    }

    private void Hear(CharacterReply reply, string piece)
    {
        int fits = Math.Min(piece.Length, _speech.Length - _length);
        piece.AsSpan(0, fits).CopyTo(_speech.AsSpan(_length));
        _length += fits;
    }

    /// <summary>A reply has ended: complete, or interrupted by a new line or a loaded game.</summary>
    private void End(CharacterReply reply)
    {
        if (reply.Problem is not null) throw reply.Problem;
        Talk.Add(reply);
        if (reply != _latest) return; // a new line is being answered already
        Emotion = reply.Answer?.Emotion ?? "";
        IsSilent = true;
    }

    private void ShowWares() => Deed = $"shows {string.Join(", ", _person.Wares.Select(ware => $"{ware.Name} ({ware.Price} gold)"))}";

    /// <summary>The model may decide to sell at any time; whose gold it is has the last word, and must have asked for that ware.</summary>
    private void Sell(Ware ware)
    {
        bool isWished = Question.Contains(ware.Name, StringComparison.OrdinalIgnoreCase)
            && Array.Exists(s_wishes, wish => Question.Contains(wish, StringComparison.OrdinalIgnoreCase));
        bool isSold = isWished && _customer.Purse.TryBuy(ware, Purse);
        if (isSold) Talk.Trades++;
        Deed = isSold ? $"sells {_customer.Name} a {ware.Name} for {ware.Price} gold"
            : isWished ? $"keeps the {ware.Name}, which {_customer.Name} cannot pay"
            : $"shows {_customer.Name} the {ware.Name}";
    }
}
