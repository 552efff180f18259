using System.Globalization;
using System.Text;

namespace MixtralVk.Grammar;

/// <summary>
/// Grammars in llama.cpp's GBNF notation (its grammars/README.md): <c>name ::= …</c>, alternatives with <c>|</c>, sequences, <c>"text"</c>,
/// <c>[a-z]</c>, <c>[^"\\]</c>, <c>.</c>, groups, <c>* + ? {m,n}</c>, comments from <c>#</c>.
/// </summary>
internal sealed class GbnfParser
{
    private const int MostRepeats = 10_000;

    private readonly string _text;
    private readonly RuleSet _rules = new();
    private readonly Dictionary<string, RuleReference> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _defined = new(StringComparer.Ordinal);
    private int _at, _depth;

    private GbnfParser(string text) => _text = text;

    public static RuleSet Parse(string text)
    {
        var parser = new GbnfParser(text);
        parser.SkipBlank(lines: true);
        while (parser._at < text.Length) parser.Rule();
        foreach (string name in parser._names.Keys)
            if (!parser._defined.Contains(name)) throw new GrammarException($"The grammar uses the rule '{name}' but does not define it.");
        if (!parser._names.TryGetValue("root", out RuleReference? root)) throw new GrammarException("The grammar has no rule 'root'.");
        parser._rules.Root = root;
        return parser._rules;
    }

    private void Rule()
    {
        string name = Name();
        if (name.Length == 0) throw Error("a rule's name is expected");
        SkipBlank(lines: false);
        if (!Take("::=")) throw Error($"'::=' is expected after '{name}'");
        if (!_defined.Add(name)) throw Error($"the rule '{name}' is defined twice");
        SkipBlank(lines: true);
        _rules.Define(Reference(name), Alternatives(inGroup: false));
        SkipBlank(lines: true);
    }

    private Expression Alternatives(bool inGroup)
    {
        Nesting.Check(++_depth);
        var options = new List<Expression>();
        do
        {
            SkipBlank(lines: true);
            options.Add(Sequence(inGroup));
        }
        while (Take("|"));
        _depth--;
        return options.Count == 1 ? options[0] : new Choice(options);
    }

    private Sequence Sequence(bool inGroup)
    {
        var parts = new List<Expression>();
        while (_at < _text.Length && _text[_at] is not ('|' or ')') && !AtLineEnd())
        {
            parts.Add(Quantified(Item()));
            SkipBlank(lines: inGroup);
        }
        // An alternative may go on in the next line when that begins with '|'.
        int end = _at;
        SkipBlank(lines: true);
        if (_at == _text.Length || _text[_at] != '|') _at = inGroup ? _at : end;
        return new Sequence(parts);
    }

    private Expression Item()
    {
        char c = _text[_at];
        if (c == '"') return Literal();
        if (c == '[') return Class();
        if (Take(".")) return new Deferred(CodePoints.All.ToExpression);
        if (Take("("))
        {
            Expression group = Alternatives(inGroup: true);
            return Take(")") ? group : throw Error("a ')' is missing");
        }
        string name = Name();
        return name.Length > 0 ? Reference(name) : throw Error($"'{c}' is not expected here");
    }

    private Expression Quantified(Expression item)
    {
        if (Take("*")) return new Repeat(item, 0, null);
        if (Take("+")) return new Repeat(item, 1, null);
        if (Take("?")) return Expression.Optional(item);
        if (!Take("{")) return item;
        int close = _text.IndexOf('}', _at);
        string[] counts = close < 0 ? [] : _text[_at..close].Split(',');
        if (counts.Length is 0 or > 2 || !TryCount(counts[0], out int least)) throw Error("a repetition is written {n}, {n,} or {n,m}");
        _at = close + 1;
        if (counts.Length == 1) return new Repeat(item, least, least);
        if (string.IsNullOrWhiteSpace(counts[1])) return new Repeat(item, least, null);
        return TryCount(counts[1], out int most) && most >= least
            ? new Repeat(item, least, most) : throw Error("a repetition is written {n}, {n,} or {n,m}");
    }

    private static bool TryCount(string text, out int count) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out count) && count <= MostRepeats;

    private Sequence Literal()
    {
        _at++;
        var parts = new List<Expression>();
        while (!Take("\"")) parts.Add(CodePoints.Of(Character("\"")).ToExpression());
        return new Sequence(parts);
    }

    private Deferred Class()
    {
        _at++;
        bool negated = Take("^");
        var ranges = new List<CodePoints>();
        while (!Take("]"))
        {
            int first = Character("]"), last = first;
            if (_at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] != ']')
            {
                _at++;
                last = Character("]");
            }
            if (last < first) throw Error("a range in [] goes from a lower to a higher character");
            ranges.Add(CodePoints.Range(first, last));
        }
        var set = CodePoints.Union(ranges);
        return new Deferred((negated ? set.Complement() : set).ToExpression);
    }

    private int Character(string end)
    {
        if (AtLineEnd() || _at == _text.Length) throw Error($"a {end} is missing");
        if (!Take("\\"))
        {
            if (Rune.DecodeFromUtf16(_text.AsSpan(_at), out Rune rune, out int used) != System.Buffers.OperationStatus.Done)
                throw Error("half a surrogate pair");
            _at += used;
            return rune.Value;
        }
        char c = _at < _text.Length ? _text[_at++] : '\0';
        return c switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'x' => Hex(2),
            'u' => Hex(4),
            'U' => Hex(8),
            '\\' or '"' or '[' or ']' or '-' or '^' => c,
            _ => throw Error($"\\{c} is no escape"),
        };
    }

    private int Hex(int digits)
    {
        if (_at + digits > _text.Length || !int.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out int value) || !Rune.IsValid(value))
            throw Error($"an escape needs {digits} hexadecimal digits of a character");
        _at += digits;
        return value;
    }

    private RuleReference Reference(string name)
    {
        if (!_names.TryGetValue(name, out RuleReference? rule)) _names[name] = rule = _rules.Declare(name);
        return rule;
    }

    private string Name()
    {
        int start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '-' or '_')) _at++;
        return _text[start.._at];
    }

    private void SkipBlank(bool lines)
    {
        while (_at < _text.Length)
        {
            if (_text[_at] == '#') while (_at < _text.Length && !AtLineEnd()) _at++;
            else if (_text[_at] is ' ' or '\t' || lines && AtLineEnd()) _at++;
            else return;
        }
    }

    private bool AtLineEnd() => _at < _text.Length && _text[_at] is '\n' or '\r';

    private bool Take(string expected)
    {
        if (string.CompareOrdinal(_text, _at, expected, 0, expected.Length) != 0) return false;
        _at += expected.Length;
        return true;
    }

    private GrammarException Error(string what) =>
        new($"Line {_text.AsSpan(0, Math.Min(_at, _text.Length)).Count('\n') + 1} of the grammar: {what}.");
}
