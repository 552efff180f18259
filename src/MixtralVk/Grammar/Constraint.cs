using System.Runtime.CompilerServices;
using System.Text.Json;
using MixtralVk.Tokenization;

namespace MixtralVk.Grammar;

/// <summary>
/// What an answer must look like: JSON of a schema, a regular expression, or a GBNF grammar. Generation then offers the sampler only tokens
/// with which the answer can still be completed within the token limit, so that what is complete always matches. Immutable and thread-safe;
/// make one and use it for many answers: what it learns of a vocabulary is kept.
/// </summary>
public sealed class Constraint
{
    private readonly Automaton _automaton;
    private readonly ConstraintLimits _limits;
    private readonly ConditionalWeakTable<Tokenizer, VocabularyMasks> _masks = [];
    private readonly ConditionalWeakTable<IReadOnlyList<string>, Constraint> _without = [];

    private Constraint(RuleSet rules, ConstraintLimits limits)
    {
        _limits = limits;
        _automaton = new Automaton(rules, limits);
        var states = new MatchStates(_automaton, limits.MaxAmbiguity);
        if (states.Step(states.Start, (byte)' ') != MatchStates.Dead) return;
        // Vocabularies of the SentencePiece kind like to begin a text with a space: it is let through, and trimmed from the answer.
        rules.Root = rules.Add("start", new Sequence([Expression.Optional(Expression.Literal(" ")), rules.Root]));
        _automaton = new Automaton(rules, limits);
        SkipsSpace = true;
    }

    private Constraint(Automaton automaton, ConstraintLimits limits, bool skipsSpace)
    {
        (_automaton, _limits, SkipsSpace) = (automaton, limits, skipsSpace);
    }

    /// <summary>Fewest bytes of an answer.</summary>
    public int ShortestBytes => _automaton.ShortestToEnd(_automaton.Start);

    /// <summary>States of its automaton (<see cref="ConstraintLimits.MaxStates"/>): some hundred bytes each while it is kept.</summary>
    public int StateCount => _automaton.StateCount;

    /// <summary>True when a space in front of the answer is not part of it.</summary>
    internal bool SkipsSpace { get; }

    /// <summary>
    /// JSON that a schema describes: the subset of JSON Schema that OpenAI's structured outputs use, with <c>pattern</c>, <c>minLength</c>
    /// and <c>maxLength</c> (see docs/constraints.md). Objects have the schema's properties in its order. Throws
    /// <see cref="GrammarException"/> naming what is not supported.
    /// </summary>
    public static Constraint JsonSchema(string schema, ConstraintLimits? limits = null)
    {
        limits = Check(schema, limits);
        return new Constraint(Rules(schema), limits);
    }

    /// <summary>
    /// JSON that a schema of objects describes, or a text that begins neither with a brace nor with white space: for an answer that is
    /// either data or words. Throws <see cref="GrammarException"/>.
    /// </summary>
    public static Constraint JsonSchemaOrText(string schema, ConstraintLimits? limits = null)
    {
        limits = Check(schema, limits);
        RuleSet rules = Rules(schema);
        rules.Root = rules.Add("answer", new Choice([rules.Root, RegexParser.Parse(@"[^{\s][^]*", CharacterForm.Plain, wholeText: true)]));
        return new Constraint(rules, limits);
    }

    private static RuleSet Rules(string schema)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(schema);
            return JsonSchemaRules.Build(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new GrammarException($"The schema is not JSON: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            // Texts are decoded when they are asked for.
            throw new GrammarException("The schema has a text with half a surrogate pair.");
        }
    }

    /// <summary>Any JSON value.</summary>
    public static Constraint Json() => JsonSchema("true");

    /// <summary>
    /// Texts that match a regular expression as a whole (ECMAScript syntax, without look-around, back references and word borders).
    /// Throws <see cref="GrammarException"/>.
    /// </summary>
    public static Constraint Regex(string pattern, ConstraintLimits? limits = null)
    {
        limits = Check(pattern, limits);
        var rules = new RuleSet();
        rules.Add("pattern", RegexParser.Parse(pattern, CharacterForm.Plain, wholeText: true));
        return new Constraint(rules, limits);
    }

    /// <summary>
    /// Texts of a grammar in the GBNF notation of llama.cpp; the rule <c>root</c> is the whole text. A rule may not begin with itself.
    /// Throws <see cref="GrammarException"/> with the line.
    /// </summary>
    public static Constraint Gbnf(string grammar, ConstraintLimits? limits = null)
    {
        limits = Check(grammar, limits);
        return new Constraint(GbnfParser.Parse(grammar), limits);
    }

    /// <summary>One of some texts.</summary>
    public static Constraint OneOf(IEnumerable<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        var rules = new RuleSet();
        rules.Add("texts", Expression.OneOf(texts));
        return new Constraint(rules, ConstraintLimits.Default);
    }

    /// <summary>
    /// Tokens of a short answer: a token limit below this is refused before anything is generated. With banned strings it may take more.
    /// </summary>
    public int ShortestTokens(Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        TokenMasks masks = MasksFor(tokenizer).Current;
        return masks.ShortestTokens(masks.Start);
    }

    /// <summary>
    /// The constraint at the beginning of an answer of at most <paramref name="maxTokens"/> tokens. Throws <see cref="GrammarException"/>.
    /// </summary>
    internal ConstrainedText Begin(Tokenizer tokenizer, int maxTokens)
    {
        int shortest = ShortestTokens(tokenizer);
        return shortest <= maxTokens ? new ConstrainedText(MasksFor(tokenizer))
            : throw new GrammarException(
            $"The shortest answer of the constraint takes {shortest} tokens; the limit of {maxTokens} cannot hold it.");
    }

    /// <summary>
    /// The same for answers that hold none of some texts, in either case; a text that is in every answer, such as the name of a property,
    /// or in every one that holds none of those before it, is let be. Made once for a list, which must not change. Throws
    /// <see cref="GrammarException"/> where that is too large.
    /// </summary>
    internal Constraint Without(IReadOnlyList<string> texts) => texts.Count == 0 ? this : _without.GetValue(texts, Avoid);

    private Constraint Avoid(IReadOnlyList<string> texts)
    {
        Automaton? avoiding = Avoiding(texts);
        var avoided = new List<string>();
        for (int i = 0; avoiding is null && i < texts.Count; i++)
            if (Avoiding([.. avoided, texts[i]]) is not null) avoided.Add(texts[i]);
        return new Constraint(avoiding ?? Avoiding(avoided)!, _limits, SkipsSpace);

        Automaton? Avoiding(IReadOnlyList<string> some) =>
            AvoidingProduct.Of(_automaton, new StringAutomaton(some, ignoreCase: true), _limits);
    }

    private VocabularyMasks MasksFor(Tokenizer tokenizer) => _masks.GetValue(tokenizer, t => new VocabularyMasks(_automaton, _limits, t));

    private static ConstraintLimits Check(string source, ConstraintLimits? limits)
    {
        ArgumentNullException.ThrowIfNull(source);
        limits ??= ConstraintLimits.Default;
        return source.Length <= limits.MaxSourceLength ? limits
            : throw new GrammarException(
            $"The constraint is {source.Length} characters long; at most {limits.MaxSourceLength} are allowed.");
    }
}
