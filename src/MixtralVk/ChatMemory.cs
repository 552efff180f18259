using MixtralVk.Model;
using MixtralVk.Tokenization;

namespace MixtralVk;

/// <summary>
/// What a chat remembers, and the prompts that come of it. Each text is tokenised once, and lengths are sums of what is known: prompts are
/// made in a game's frames. What is forgotten depends on the conversation alone, not on how far anything is computed.
/// </summary>
internal sealed class ChatMemory
{
    /// <summary>Of the context, what a question is expected to take at most.</summary>
    private const int QuestionShare = 16;

    private readonly ChatTemplate _template;
    private readonly int _contextLength;
    private readonly QuestionOpening _plain;
    private readonly List<ChatTurn> _turns = [];
    private readonly List<int[]?> _questions = []; // tokens of the turns' questions without the persona, made when they are first needed
    private readonly List<int> _prompt = [];
    private (int Turn, int[] Tokens) _first;       // those of the first remembered one, with it
    private int[] _asked = [];                     // those of the latest prompt's
    private string? _persona;
    private QuestionOpening _opening;
    private int _openingLength;

    public ChatMemory(ChatTemplate template, int contextLength, string? persona)
    {
        (_template, _contextLength) = (template, contextLength);
        _opening = _plain = template.Open(null);
        Persona = persona;
    }

    private ChatMemory(ChatMemory other)
    {
        (_template, _contextLength, _plain, _persona, _opening, _openingLength) =
            (other._template, other._contextLength, other._plain, other._persona, other._opening, other._openingLength);
        _turns.AddRange(other._turns);
        _questions.AddRange(other._questions);
        (_first, Forgotten) = (other._first, other.Forgotten);
    }

    /// <summary>What stands before the conversation and is never forgotten.</summary>
    public string? Persona
    {
        get => _persona;
        set
        {
            _persona = value;
            _opening = _template.Open(value);
            _openingLength = Tokenize(_opening, "").Length;
            _first = (-1, []);
        }
    }

    /// <summary>All exchanges, the forgotten ones too.</summary>
    public IReadOnlyList<ChatTurn> Turns => _turns;

    /// <summary>How many of the oldest are forgotten.</summary>
    public int Forgotten { get; private set; }

    /// <summary>How many of the latest are remembered; null for as many as the context holds.</summary>
    public int? MostTurns { get; set; }

    /// <summary>
    /// The tokens up to where the answer to a question begins, valid until the next call; forgets the oldest exchanges where that and the
    /// answer would not fit. Throws <see cref="ContextOverflowException"/> where the question alone does not.
    /// </summary>
    public List<int> Ask(string question, GenerationOptions options)
    {
        Forgotten = Math.Max(Forgotten, _turns.Count - (MostTurns ?? _turns.Count));
        int remembered = Forgotten;
        _asked = Tokenize(_plain, question);
        Build(question);
        if (_prompt.Count > Room(options))
        {
            Forget(_asked.Length, options);
            Build(question);
        }
        if (_prompt.Count < _contextLength) return _prompt;
        Forgotten = remembered; // a question that cannot be asked at all costs no memory
        throw new ContextOverflowException(_prompt.Count + 1, _contextLength);
    }

    /// <summary>The latest question was answered.</summary>
    public void Add(ChatTurn turn)
    {
        _turns.Add(turn);
        _questions.Add(_asked);
    }

    /// <summary>
    /// Where a question of usual length would find too little room, forgets now and gives the tokens of what is kept, to be computed before
    /// it is asked; null where there is room.
    /// </summary>
    public List<int>? MakeRoom(GenerationOptions options)
    {
        if (Length(0) + _contextLength / QuestionShare <= Room(options)) return null;
        Forget(0, options);
        BuildTurns();
        return _prompt;
    }

    /// <summary>A memory that goes on from here on its own.</summary>
    public ChatMemory Fork() => new(this);

    /// <summary>Forgets everything but the persona, and goes on with other exchanges.</summary>
    public void Restore(IEnumerable<ChatTurn> turns, int forgotten)
    {
        _turns.Clear();
        _turns.AddRange(turns);
        _questions.Clear();
        _questions.AddRange(new int[]?[_turns.Count]);
        _first = (-1, []);
        Forgotten = forgotten;
    }

    /// <summary>Tokens that a prompt may have so that an answer fits behind it.</summary>
    private int Room(GenerationOptions options) => _contextLength - Math.Min(options.MaxTokens, _contextLength / 4);

    /// <summary>
    /// Forgets the oldest exchanges, so many that a quarter of the context is free behind the question and its answer, or all.
    /// </summary>
    private void Forget(int questionLength, GenerationOptions options)
    {
        int most = Room(options) - _contextLength / 4, length = Length(questionLength);
        while (length > most && Forgotten < _turns.Count) length -= LengthOf(Forgotten++);
    }

    /// <summary>
    /// Of a prompt with a question of so many tokens; some more than it has, as the persona's question is counted with marks of its own.
    /// </summary>
    private int Length(int questionLength)
    {
        int length = 1 + _openingLength + questionLength;
        for (int turn = Forgotten; turn < _turns.Count; turn++) length += LengthOf(turn);
        return length;
    }

    private int LengthOf(int turn) => QuestionOf(turn).Length + _turns[turn].Tokens.Count;

    private void Build(string question)
    {
        BuildTurns();
        if (Forgotten == _turns.Count || _template.SystemInLastQuestion) _template.AppendQuestion(_prompt, _opening, question);
        else _prompt.AddRange(_asked);
    }

    private void BuildTurns()
    {
        _prompt.Clear();
        _template.Begin(_prompt);
        for (int turn = Forgotten; turn < _turns.Count; turn++)
        {
            _prompt.AddRange(turn == Forgotten && !_template.SystemInLastQuestion ? FirstQuestion(turn) : QuestionOf(turn));
            _prompt.AddRange(_turns[turn].Tokens);
        }
    }

    private int[] FirstQuestion(int turn)
    {
        if (_first.Turn != turn) _first = (turn, Tokenize(_opening, _turns[turn].Question));
        return _first.Tokens;
    }

    private int[] QuestionOf(int turn) => _questions[turn] ??= Tokenize(_plain, _turns[turn].Question);

    private int[] Tokenize(QuestionOpening opening, string question)
    {
        var tokens = new List<int>();
        _template.AppendQuestion(tokens, opening, question);
        return [.. tokens];
    }
}
