using System.Globalization;
using System.Text;

namespace MixtralVk.Grammar;

/// <summary>
/// Regular expressions in the syntax of ECMAScript (ECMA-262, "Patterns", unicode mode), as far as they are regular: no look-around, back
/// references or word borders; <c>^</c> and <c>$</c> only at the ends of the pattern or of its alternatives.
/// </summary>
internal sealed class RegexParser
{
    private const int MostRepeats = 10_000;

    private static readonly CodePoints Digits = CodePoints.Range('0', '9');
    private static readonly CodePoints Word =
        Digits.Union(CodePoints.Range('a', 'z')).Union(CodePoints.Range('A', 'Z')).Union(CodePoints.Of('_'));
    private static readonly CodePoints Spaces = CodePoints.Range(0x2000, 0x200A)
        .Union(CodePoints.Of('\t', '\n', '\v', '\f', '\r', ' ', 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF));
    private static readonly CodePoints LineEnds = CodePoints.Of('\n', '\r', 0x2028, 0x2029);

    private readonly string _pattern;
    private readonly CharacterForm _form;
    private readonly bool _wholeText;
    private int _at, _depth;

    private RegexParser(string pattern, CharacterForm form, bool wholeText)
    {
        _pattern = pattern;
        _form = form;
        _wholeText = wholeText;
    }

    /// <summary>Parses a pattern.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="form">How its characters are written in the text.</param>
    /// <param name="wholeText">True: the pattern is the whole text. False: the text contains it, as in JSON Schema, unless
    /// anchored.</param>
    public static Expression Parse(string pattern, CharacterForm form, bool wholeText)
    {
        var parser = new RegexParser(pattern, form, wholeText);
        Expression expression = parser.Alternatives(topLevel: true);
        return parser._at == pattern.Length ? expression : throw parser.Error("an unmatched ')'");
    }

    private Expression Alternatives(bool topLevel)
    {
        Nesting.Check(++_depth);
        var options = new List<Expression>();
        do options.Add(Alternative(topLevel)); while (Take('|'));
        _depth--;
        return options.Count == 1 ? options[0] : new Choice(options);
    }

    private Sequence Alternative(bool topLevel)
    {
        var parts = new List<Expression>();
        Expression anything = new Repeat(OneOf(CodePoints.All), 0, null);
        bool begins = topLevel && Take('^'), ends = false;
        if (topLevel && !begins && !_wholeText) parts.Add(anything);
        while (_at < _pattern.Length && _pattern[_at] is not ('|' or ')'))
        {
            if (ends) throw Error("'$' before the end of an alternative");
            if (topLevel && Take('$')) ends = true;
            else parts.Add(Quantified(Atom()));
        }
        if (topLevel && !ends && !_wholeText) parts.Add(anything);
        return new Sequence(parts);
    }

    private Expression Atom()
    {
        char c = _pattern[_at++];
        switch (c)
        {
            case '(':
                if (Take('?'))
                {
                    if (Take('<') && _at < _pattern.Length && _pattern[_at] is not ('=' or '!'))
                    {
                        _at = _pattern.IndexOf('>', _at) + 1;
                        if (_at == 0) throw Error("a group name without '>'");
                    }
                    else if (!Take(':')) throw Error("look-around, which is not supported");
                }
                Expression group = Alternatives(topLevel: false);
                return Take(')') ? group : throw Error("a '(' without ')'");
            case '[':
                return OneOf(Class());
            case '.':
                return OneOf(LineEnds.Complement());
            case '\\':
                return OneOf(Escape(inClass: false));
            case '^' or '$':
                throw Error($"'{c}' inside the pattern, which is not supported");
            case '*' or '+' or '?' or '{' or '}' or ']':
                throw Error($"'{c}' with nothing before it; write \\{c} for the character");
            default:
                _at--;
                return OneOf(CodePoints.Of(Character()));
        }
    }

    private Expression Quantified(Expression atom)
    {
        if (_at == _pattern.Length) return atom;
        Expression result = atom;
        switch (_pattern[_at])
        {
            case '*':
                result = new Repeat(atom, 0, null);
                break;
            case '+':
                result = new Repeat(atom, 1, null);
                break;
            case '?':
                result = Expression.Optional(atom);
                break;
            case '{':
                int close = _pattern.IndexOf('}', _at);
                if (close < 0) throw Error("a '{' without '}'");
                result = Counted(atom, _pattern[(_at + 1)..close]);
                _at = close;
                break;
            default:
                return atom;
        }
        _at++;
        Take('?'); // lazy: the same texts match
        return result;
    }

    private Repeat Counted(Expression atom, string counts)
    {
        string[] parts = counts.Split(',');
        if (parts.Length > 2 || !TryCount(parts[0], out int least)) throw Error($"the repetition {{{counts}}}");
        if (parts.Length == 1) return new Repeat(atom, least, least);
        if (parts[1].Length == 0) return new Repeat(atom, least, null);
        return TryCount(parts[1], out int most) && most >= least
            ? new Repeat(atom, least, most) : throw Error($"the repetition {{{counts}}}");
    }

    private static bool TryCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count <= MostRepeats;

    private CodePoints Class()
    {
        bool negated = Take('^');
        var members = new List<CodePoints>();
        while (!Take(']'))
        {
            CodePoints member = ClassMember();
            if (_at + 1 < _pattern.Length && _pattern[_at] == '-' && _pattern[_at + 1] != ']')
            {
                _at++;
                if (member.Single is not int first || ClassMember().Single is not int last || first > last)
                    throw Error("a range in [] that is not from a lower to a higher character");
                member = CodePoints.Range(first, last);
            }
            members.Add(member);
        }
        var set = CodePoints.Union(members);
        return negated ? set.Complement() : set;
    }

    private CodePoints ClassMember()
    {
        if (_at == _pattern.Length) throw Error("a '[' without ']'");
        return Take('\\') ? Escape(inClass: true) : CodePoints.Of(Character());
    }

    private CodePoints Escape(bool inClass)
    {
        if (_at == _pattern.Length) throw Error("a '\\' at the end");
        char c = _pattern[_at++];
        return c switch
        {
            'd' => Digits,
            'D' => Digits.Complement(),
            'w' => Word,
            'W' => Word.Complement(),
            's' => Spaces,
            'S' => Spaces.Complement(),
            't' => CodePoints.Of('\t'),
            'n' => CodePoints.Of('\n'),
            'r' => CodePoints.Of('\r'),
            'f' => CodePoints.Of('\f'),
            'v' => CodePoints.Of('\v'),
            '0' => CodePoints.Of(0),
            'b' when inClass => CodePoints.Of('\b'),
            'x' => CodePoints.Of(Hex(2)),
            'u' => CodePoints.Of(UnicodeEscape()),
            _ when char.IsAsciiLetterOrDigit(c) => throw Error($"\\{c}, which is not supported"),
            _ => CodePoints.Of(c),
        };
    }

    private int UnicodeEscape()
    {
        if (Take('{'))
        {
            int close = _pattern.IndexOf('}', _at);
            if (close < 0 || !int.TryParse(_pattern.AsSpan(_at, close - _at), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out int value) || !Rune.IsValid(value))
                throw Error("a \\u{} that is no character");
            _at = close + 1;
            return value;
        }
        int unit = Hex(4);
        if (!char.IsSurrogate((char)unit)) return unit;
        if (char.IsHighSurrogate((char)unit) && Take('\\') && Take('u') && Hex(4) is int low && char.IsLowSurrogate((char)low))
            return char.ConvertToUtf32((char)unit, (char)low);
        throw Error("half a surrogate pair");
    }

    private int Hex(int digits)
    {
        if (_at + digits > _pattern.Length
            || !int.TryParse(_pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value))
            throw Error($"an escape without {digits} hexadecimal digits");
        _at += digits;
        return value;
    }

    private int Character()
    {
        if (Rune.DecodeFromUtf16(_pattern.AsSpan(_at), out Rune rune, out int used) != System.Buffers.OperationStatus.Done)
            throw Error("half a surrogate pair");
        _at += used;
        return rune.Value;
    }

    private Expression OneOf(CodePoints set) => set.Single is null ? new Deferred(() => _form.Of(set)) : _form.Of(set);

    private bool Take(char c)
    {
        if (_at == _pattern.Length || _pattern[_at] != c) return false;
        _at++;
        return true;
    }

    private GrammarException Error(string what) => new($"The pattern has {what} (at character {_at}).");
}
