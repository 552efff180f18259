using System.Text.RegularExpressions;

namespace MixtralVk.Tokenization;

/// <summary>
/// Conversations of Mixtral-Instruct as tokens. Each part is tokenised by itself with a space in front, as Mistral's reference
/// (mistral-common, versions 1 to 3) does; BOS stands once, EOS after each answer:
/// <code>
/// &lt;s&gt; "[INST] system\n\nquestion [/INST]" "answer" &lt;/s&gt; "[INST] question [/INST]" …
/// </code>
/// Where the vocabulary has [INST] and [/INST] as tokens (32768 entries: v2, v3) they stand as those tokens around the question; in the
/// first vocabulary they are plain text. What messages say is never parsed for tokens. Only in the first vocabulary a message that spells
/// "[/INST]" looks to the model like the mark, as in the reference. Immutable and thread-safe.
/// </summary>
public sealed partial class ChatTemplate
{
    private const string OpenMark = "[INST]", CloseMark = "[/INST]";

    private static readonly string[] s_toolMarks =
        ["[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"];
    private static readonly string[] s_foreignMarks = ["<|", "<<SYS>>", "<start_of_turn>", "###", "<\uff5c"];

    private readonly Tokenizer _tokenizer;
    private readonly int _open, _close;

    private ChatTemplate(Tokenizer tokenizer, bool systemInLastQuestion)
    {
        _tokenizer = tokenizer;
        _open = FindMark(tokenizer, OpenMark);
        _close = FindMark(tokenizer, CloseMark);
        SystemInLastQuestion = systemInLastQuestion;
    }

    /// <summary>The system text stands in front of the newest question (as version 3 does it), else of the oldest.</summary>
    public bool SystemInLastQuestion { get; }

    /// <summary>True where the marks are tokens, false where they are text.</summary>
    public bool MarksAreTokens => _open >= 0;

    /// <summary>
    /// The template of a model: from its file's <c>tokenizer.chat_template</c>, or without one from its vocabulary where that is Mistral's.
    /// Throws <see cref="ChatTemplateException"/> for any form but Mixtral-Instruct's.
    /// </summary>
    public static ChatTemplate Recognize(Tokenizer tokenizer, string? jinja)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (tokenizer.Bos < 0 || tokenizer.Eos < 0) throw Unknown("its vocabulary has no begin and end tokens");
        if (string.IsNullOrWhiteSpace(jinja))
            return IsMistralVocabulary(tokenizer)
                ? new ChatTemplate(tokenizer, systemInLastQuestion: FindMark(tokenizer, OpenMark) >= 0)
                : throw Unknown("its file has no chat template and its vocabulary is not Mistral's");
        string[] marks = [.. MarkPattern().Matches(jinja).Select(match => match.Value)];
        string? foreign = s_foreignMarks.FirstOrDefault(mark => jinja.Contains(mark, StringComparison.Ordinal))
            ?? marks.FirstOrDefault(mark => mark is not (OpenMark or CloseMark) && !s_toolMarks.Contains(mark));
        if (foreign is not null) throw Unknown($"its chat template uses '{foreign}'");
        if (!marks.Contains(OpenMark) || !marks.Contains(CloseMark)) throw Unknown("its chat template has no [INST] and [/INST]");
        var template = new ChatTemplate(tokenizer, jinja.Contains("loop.last and system", StringComparison.Ordinal));
        bool spaced = jinja.Contains(OpenMark + " ", StringComparison.Ordinal) && jinja.Contains(" " + CloseMark, StringComparison.Ordinal);
        return template.MarksAreTokens || spaced
            ? template : throw Unknown("its chat template puts no space between [INST] and the question");
    }

    /// <summary>
    /// Tokens of a conversation up to where the model is to answer or has answered: an optional system message, then questions and answers
    /// in turn. Throws <see cref="ChatTemplateException"/> for another order.
    /// </summary>
    public int[] Encode(IReadOnlyList<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var tokens = new List<int>();
        Begin(tokens);
        string? system = messages.Count > 0 && messages[0].Role == ChatRole.System ? messages[0].Text : null;
        int first = system is null ? 0 : 1, lastQuestion = (messages.Count - 1 - first) / 2 * 2 + first;
        if (messages.Count == first) throw new ChatTemplateException("A conversation needs at least one question.");
        for (int i = first; i < messages.Count; i++)
        {
            ChatRole expected = (i - first) % 2 == 0 ? ChatRole.User : ChatRole.Assistant;
            if (messages[i].Role != expected)
                throw new ChatTemplateException($"Message {i + 1} is from {messages[i].Role}, but questions and answers must take turns.");
            if (expected == ChatRole.Assistant) AppendAnswer(tokens, messages[i].Text);
            else AppendQuestion(tokens, Open(i == (SystemInLastQuestion ? lastQuestion : first) ? system : null), messages[i].Text);
        }
        return [.. tokens];
    }

    internal void Begin(List<int> tokens) => tokens.Add(_tokenizer.Bos);

    /// <summary>
    /// What stands before a question, with the system text or without: a long one is tokenised here, once for all questions.
    /// </summary>
    internal QuestionOpening Open(string? system)
    {
        var tokens = new List<int>();
        if (MarksAreTokens) tokens.Add(_open);
        string text = MarksAreTokens ? " " : $" {OpenMark} ";
        if (!string.IsNullOrEmpty(system))
        {
            text += system + "\n\n";
            if (_tokenizer.LineBreaksDivide)
            {
                _tokenizer.EncodeOn(text, tokens);
                text = "";
            }
        }
        return new QuestionOpening([.. tokens], text);
    }

    internal void AppendQuestion(List<int> tokens, QuestionOpening opening, string text)
    {
        tokens.AddRange(opening.Tokens);
        _tokenizer.EncodeOn(MarksAreTokens ? opening.Rest + text : $"{opening.Rest}{text} {CloseMark}", tokens);
        if (MarksAreTokens) tokens.Add(_close);
    }

    internal void AppendAnswer(List<int> tokens, string text)
    {
        _tokenizer.EncodePart(text, tokens);
        EndAnswer(tokens);
    }

    internal void EndAnswer(List<int> tokens) => tokens.Add(_tokenizer.Eos);

    // The lone space of Mistral's vocabularies: 28705 in the first, moved by the 768 control tokens of the later ones.
    private static bool IsMistralVocabulary(Tokenizer tokenizer) => tokenizer.VocabSize switch
    {
        32000 => tokenizer.Piece(28705) == "\u2581",
        32768 => FindMark(tokenizer, OpenMark) >= 0 && FindMark(tokenizer, CloseMark) >= 0,
        _ => false,
    };

    private static int FindMark(Tokenizer tokenizer, string mark)
    {
        int control = tokenizer.Find(mark, TokenType.Control);
        return control >= 0 ? control : tokenizer.Find(mark, TokenType.UserDefined);
    }

    private static ChatTemplateException Unknown(string reason) =>
        new($"This model's form of conversation is not known ({reason}); generate from raw text instead.");

    [GeneratedRegex(@"\[/?[A-Z_]+\]")]
    private static partial Regex MarkPattern();
}
