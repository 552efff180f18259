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
/// When the context is nearly full after an answer, the oldest questions and answers are forgotten in one large step (at least a quarter of
/// the context), so that most answers reuse what is computed, and what is kept is computed again while nobody waits. The persona is never
/// forgotten. One thread at a time.
/// </summary>
public sealed class Chat : IDisposable
{
    private readonly ChatTemplate _template;
    private readonly ChatMemory _memory;
    private GenerationOptions _options;
    private Reply? _begun;

    internal Chat(MixtralModel model, ChatTemplate template, string? persona, GenerationOptions options)
        : this(template, new ChatMemory(template, model.ContextLength, persona), options, model.StartSession())
    {
    }

    private Chat(ChatTemplate template, ChatMemory memory, GenerationOptions options, Session session)
    {
        _template = template;
        _memory = memory;
        _options = options;
        Session = session;
    }

    /// <summary>Who the model is to be and what it knows. A change counts from the next question on.</summary>
    public string? Persona
    {
        get => _memory.Persona;
        set => _memory.Persona = value;
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
    public IEnumerable<ChatMessage> History => Turns.SelectMany(turn => turn.Messages);

    /// <summary>How many of the oldest questions, with their answers, the model has forgotten.</summary>
    public int ForgottenTurns => _memory.Forgotten;

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
    /// Asks; the answer's text appears piece by piece as the result is enumerated, once. The question and its answer, as far as it was
    /// read, are then part of the conversation (<see cref="Reply.Stop"/>); the next question ends an answer that is still in progress.
    /// Throws <see cref="ContextOverflowException"/>, when enumerated, if the question does not fit the context.
    /// </summary>
    public Reply Ask(string text, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        options?.Validate();
        return LastReply = new Reply(this, text, options ?? Options, cancellationToken);
    }

    /// <summary>Asks; the pieces are awaited, so that a game's main thread goes on. See <see cref="Ask"/>.</summary>
    public IAsyncEnumerable<string> AskAsync(string text, GenerationOptions? options = null,
        CancellationToken cancellationToken = default) =>
        Ask(text, options, cancellationToken).StreamAsync(CancellationToken.None);

    /// <summary>
    /// A conversation that goes on from here on its own: what a character says to one player stays unknown to the next, or a line can be
    /// tried and dropped. What is computed is shared (<see cref="Session.Fork"/>).
    /// </summary>
    public Chat Fork() => new(_template, _memory.Fork(), Options, Session.Fork());

    /// <summary>Forgets everything but the persona.</summary>
    public void Reset()
    {
        _begun?.Stop();
        _begun = null;
        _memory.Restore([], 0);
        LastReply = null;
    }

    /// <summary>Frees the conversation's part of the KV cache. An answer in progress ends at what was read of it.</summary>
    public void Dispose()
    {
        Session.Dispose();
        _begun?.Stop();
    }

    /// <summary>What was said.</summary>
    internal IReadOnlyList<ChatTurn> Turns => _memory.Turns;

    /// <summary>
    /// Takes the place of what was said so far. With <paramref name="asText"/> answers are tokenised anew, as those of another model must
    /// be; else throws <see cref="TokenRangeException"/>, and nothing changes, for a token that the vocabulary does not have.
    /// </summary>
    internal void Restore(IReadOnlyList<ChatTurn> turns, int forgotten, bool asText)
    {
        int vocabSize = Session.Model.Tokenizer.VocabSize;
        if (!asText)
            foreach (int token in turns.SelectMany(turn => turn.Tokens))
                if ((uint)token >= (uint)vocabSize) throw new TokenRangeException(token, vocabSize);
        Reset();
        _memory.Restore(turns.Select(turn => turn with { Tokens = asText ? Tokenize(turn.Answer) : [.. turn.Tokens] }), forgotten);
    }

    /// <summary>How many of the latest questions are remembered; null for as many as the context holds.</summary>
    internal int? MostTurns
    {
        set => _memory.MostTurns = value;
    }

    /// <summary>What is remembered of an answer that did not come to its end, null for nothing; without this, all of it.</summary>
    internal Func<string, string?>? RememberInterrupted { get; set; }

    /// <summary>Ends the answer in progress, if any, and gives the prompt of the next one.</summary>
    internal List<int> Begin(Reply reply, string question, GenerationOptions options)
    {
        if (_begun != reply) _begun?.Stop(); // the same: it tries again, as what kept it from beginning may be gone
        _begun = reply;
        return _memory.Ask(question, options);
    }

    /// <summary>
    /// Makes an exchange part of the conversation: an answer that the model ended as the tokens it chose, one that a stop string ended as
    /// its text, and one that was left or had no more room as the tokens that were read, ended here.
    /// </summary>
    internal void Record(string question, string answer, IReadOnlyList<int> answerTokens, FinishReason? reason)
    {
        if (RememberInterrupted is not null && reason != FinishReason.EndOfText)
        {
            if (RememberInterrupted(answer) is not string remembered) return;
            (answer, reason) = (remembered, FinishReason.StopString);
        }
        // With a stop string the tokens hold more, or other text, than the answer.
        List<int> tokens = reason == FinishReason.StopString ? Tokenize(answer) : [.. answerTokens];
        if (tokens.Count == 0 || !Session.Model.Tokenizer.IsEnd(tokens[^1])) _template.EndAnswer(tokens);
        _memory.Add(new ChatTurn(question, answer, tokens));
        if (_memory.MakeRoom(Options) is { } kept) Session.Prepare(CollectionsMarshal.AsSpan(kept));
    }

    /// <summary>Tokens of an answer that is known as text, with the end token.</summary>
    private List<int> Tokenize(string answer)
    {
        var tokens = new List<int>();
        _template.AppendAnswer(tokens, answer);
        return tokens;
    }
}
