using System.Runtime.InteropServices;
using MixtralVk.Model;
using MixtralVk.Tokenization;

namespace MixtralVk;

/// <summary>
/// A conversation with a character:
/// <code>
/// using var model = MixtralModel.Load("model.gguf");
/// using var mira = model.StartChat("You are Mira, a cheerful baker from Oakvale.");
/// foreach (string piece in mira.Ask("What do you sell?")) Console.Write(piece);
/// </code>
/// When the context is nearly full after an answer, the oldest questions and answers are forgotten in one large step (at least a quarter of the
/// context), so that most answers reuse what is computed, and what is kept is computed again while nobody waits. The persona is never forgotten.
/// One thread at a time.
/// </summary>
public sealed class Chat : IDisposable
{
    /// <summary>Of the context, what a question is expected to take at most.</summary>
    private const int QuestionShare = 16;

    private readonly ChatTemplate _template;
    private readonly List<ChatTurn> _turns = [];
    private readonly List<int> _prompt = [];
    private readonly List<int[]> _questions = [];      // tokens of the first turns' questions, without the persona
    private (int Turn, int[] Tokens) _first = (-1, []); // those of the first remembered one, with it
    private GenerationOptions _options;
    private string? _persona;
    private Reply? _begun;
    private int _forgotten;

    internal Chat(MixtralModel model, ChatTemplate template, string? persona, GenerationOptions options)
        : this(model.StartSession(), template, persona, options)
    {
    }

    private Chat(Session session, ChatTemplate template, string? persona, GenerationOptions options)
    {
        options.Validate();
        Session = session;
        _template = template;
        _options = options;
        Persona = persona;
    }

    /// <summary>Who the model is to be and what it knows. A change counts from the next question on.</summary>
    public string? Persona
    {
        get => _persona;
        set
        {
            _persona = value;
            _first = (-1, []);
        }
    }

    /// <summary>How answers are generated, unless a question says otherwise.</summary>
    public GenerationOptions Options
    {
        get => _options;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            value.Validate();
            _options = value;
        }
    }

    /// <summary>What was said, without the persona and including what the model has forgotten.</summary>
    public IEnumerable<ChatMessage> History => _turns.SelectMany(turn => turn.Messages);

    /// <summary>How many of the oldest questions, with their answers, the model has forgotten.</summary>
    public int ForgottenTurns => _forgotten;

    /// <summary>The latest answer; null before the first question.</summary>
    public Reply? LastReply { get; private set; }

    /// <summary>The conversation's tokens.</summary>
    public Session Session { get; }

    /// <summary>What is computed first when several characters have something to say. May be changed at any time, by any thread.</summary>
    public Priority Priority
    {
        get => Session.Priority;
        set => Session.Priority = value;
    }

    /// <summary>
    /// Asks; the answer's text appears piece by piece as the result is enumerated, once. The question and its answer, as far as it was read, are
    /// then part of the conversation (<see cref="Reply.Stop"/>); the next question ends an answer that is still in progress. Throws <see cref="ContextOverflowException"/>, when enumerated, if the question does not fit the context.
    /// </summary>
    public Reply Ask(string text, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        options?.Validate();
        return LastReply = new Reply(this, text, options ?? Options, cancellationToken);
    }

    /// <summary>Asks; the pieces are awaited, so that a game's main thread goes on. See <see cref="Ask"/>.</summary>
    public IAsyncEnumerable<string> AskAsync(string text, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        Ask(text, options, cancellationToken).StreamAsync(CancellationToken.None);

    /// <summary>
    /// A conversation that goes on from here on its own: what a character says to one player stays unknown to the next, or a line can be tried
    /// and dropped. What is computed is shared (<see cref="Session.Fork"/>).
    /// </summary>
    public Chat Fork()
    {
        var fork = new Chat(Session.Fork(), _template, Persona, Options) { _forgotten = _forgotten };
        fork._turns.AddRange(_turns);
        return fork;
    }

    /// <summary>Forgets everything but the persona.</summary>
    public void Reset()
    {
        _begun?.Stop();
        _begun = null;
        _turns.Clear();
        _questions.Clear();
        _first = (-1, []);
        _forgotten = 0;
        LastReply = null;
    }

    /// <summary>Frees the conversation's part of the KV cache. An answer in progress ends at what was read of it.</summary>
    public void Dispose()
    {
        Session.Dispose();
        _begun?.Stop();
    }

    /// <summary>What was said.</summary>
    internal IReadOnlyList<ChatTurn> Turns => _turns;

    /// <summary>
    /// Takes the place of what was said so far. With <paramref name="asText"/> answers are tokenised anew, as those of another model must be; else throws
    /// <see cref="TokenRangeException"/>, and nothing changes, for a token that the vocabulary does not have.
    /// </summary>
    internal void Restore(IReadOnlyList<ChatTurn> turns, int forgotten, bool asText)
    {
        int vocabSize = Session.Model.Tokenizer.VocabSize;
        if (!asText)
            foreach (int token in turns.SelectMany(turn => turn.Tokens))
                if ((uint)token >= (uint)vocabSize) throw new TokenRangeException(token, vocabSize);
        Reset();
        foreach (ChatTurn turn in turns)
        {
            var tokens = new List<int>(turn.Tokens);
            if (asText)
            {
                tokens.Clear();
                _template.AppendAnswer(tokens, turn.Answer);
            }
            _turns.Add(turn with { Tokens = tokens });
        }
        _forgotten = forgotten;
    }

    /// <summary>How many of the latest questions are remembered; null for as many as the context holds.</summary>
    internal int? MostTurns { get; set; }

    /// <summary>What is remembered of an answer that did not come to its end, null for nothing; without this, all of it.</summary>
    internal Func<string, string?>? RememberInterrupted { get; set; }

    /// <summary>Ends the answer in progress, if any, and gives the prompt of the next one.</summary>
    internal List<int> Begin(Reply reply, string question, GenerationOptions options)
    {
        _begun?.Stop();
        _begun = reply;
        _forgotten = Math.Max(_forgotten, _turns.Count - (MostTurns ?? _turns.Count));
        return BuildPrompt(question, options);
    }

    /// <summary>The tokens up to where the answer begins; forgets the oldest turns where that and the answer would not fit.</summary>
    private List<int> BuildPrompt(string question, GenerationOptions options)
    {
        int context = Session.Model.ContextLength, remembered = _forgotten;
        if (Build(question) > Room(options)) Forget(question, options);
        if (_prompt.Count >= context)
        {
            _forgotten = remembered; // a question that cannot be asked at all costs no memory
            throw new ContextOverflowException(_prompt.Count + 1, context);
        }
        return _prompt;
    }

    /// <summary>
    /// Makes an exchange part of the conversation: an answer that the model ended as the tokens it chose, one that a stop string ended as its text, and one
    /// that was left or had no more room as the tokens that were read, ended here.
    /// </summary>
    internal void Record(string question, string answer, IReadOnlyList<int> answerTokens, FinishReason? reason)
    {
        if (RememberInterrupted is not null && reason != FinishReason.EndOfText)
        {
            if (RememberInterrupted(answer) is not string remembered) return;
            (answer, reason) = (remembered, FinishReason.StopString);
        }
        var tokens = new List<int>();
        if (reason == FinishReason.StopString) _template.AppendAnswer(tokens, answer); // the tokens hold more, or other text, than the answer
        else
        {
            tokens.AddRange(answerTokens);
            if (tokens.Count == 0 || !Session.Model.Tokenizer.IsEnd(tokens[^1])) _template.EndAnswer(tokens);
        }
        _turns.Add(new ChatTurn(question, answer, tokens));
        PrepareForNext();
    }

    /// <summary>
    /// Where a question of usual length would find too little room, forgets now and has what is kept computed before it is asked. What is forgotten
    /// depends on the conversation alone, not on how far that comes.
    /// </summary>
    private void PrepareForNext()
    {
        if (Build("") + Session.Model.ContextLength / QuestionShare <= Room(Options)) return;
        Forget("", Options);
        BuildTurns();
        Session.Prepare(CollectionsMarshal.AsSpan(_prompt));
    }

    /// <summary>Tokens that a prompt may have so that an answer fits behind it.</summary>
    private int Room(GenerationOptions options)
    {
        int context = Session.Model.ContextLength;
        return context - Math.Min(options.MaxTokens, context / 4);
    }

    /// <summary>Forgets the oldest turns until a quarter of the context is free behind the question and its answer, or none are left.</summary>
    private void Forget(string question, GenerationOptions options)
    {
        while (_forgotten < _turns.Count)
        {
            _forgotten++;
            if (Build(question) <= Room(options) - Session.Model.ContextLength / 4) return;
        }
    }

    private int Build(string question)
    {
        BuildTurns();
        bool first = _forgotten == _turns.Count;
        _template.AppendQuestion(_prompt, first || _template.SystemInLastQuestion ? Persona : null, question);
        return _prompt.Count;
    }

    private void BuildTurns()
    {
        _prompt.Clear();
        _template.Begin(_prompt);
        for (int turn = _forgotten; turn < _turns.Count; turn++)
        {
            _prompt.AddRange(QuestionOf(turn, withPersona: turn == _forgotten && !_template.SystemInLastQuestion));
            _prompt.AddRange(_turns[turn].Tokens);
        }
    }

    /// <summary>Tokenised once: prompts are built in a game's ticks.</summary>
    private int[] QuestionOf(int turn, bool withPersona)
    {
        if (withPersona)
        {
            if (_first.Turn != turn) _first = (turn, Tokenize(Persona, turn));
            return _first.Tokens;
        }
        while (_questions.Count <= turn) _questions.Add(Tokenize(null, _questions.Count));
        return _questions[turn];
    }

    private int[] Tokenize(string? persona, int turn)
    {
        var tokens = new List<int>();
        _template.AppendQuestion(tokens, persona, _turns[turn].Question);
        return [.. tokens];
    }
}
