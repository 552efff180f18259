namespace MixtralVk.Grammar;

/// <summary>
/// The parts of JSON (RFC 8259). One optional space may stand after a colon and a comma, nothing else: a model that may lay out its answer
/// freely wastes tokens on it, or never ends.
/// </summary>
internal sealed class JsonRules(RuleSet rules)
{
    private RuleReference? _value, _string, _character;

    public static Expression Null { get; } = Expression.Literal("null");

    public static Expression Boolean { get; } = new Choice([Expression.Literal("true"), Expression.Literal("false")]);

    public static Expression Comma { get; } = Separator(',');

    public static Expression Colon { get; } = Separator(':');

    public static Expression Integer { get; } = new Sequence([Expression.Optional(Expression.Literal("-")), Natural]);

    public static Expression Number { get; } = new Sequence(
    [
        Integer,
        Expression.Optional(new Sequence([Expression.Literal("."), new Repeat(Digit, 1, IntegerRange.MostDigits)])),
        Expression.Optional(new Sequence([new Choice([Expression.Literal("e"), Expression.Literal("E")]),
            Expression.Optional(new Choice([Expression.Literal("+"), Expression.Literal("-")])), new Repeat(Digit, 1, 2)])),
    ]);

    public static Expression Quoted(Expression content) => new Sequence([Expression.Literal("\""), content, Expression.Literal("\"")]);

    private static Expression Digit => new ByteRange((byte)'0', (byte)'9');

    private static Expression Natural => new Choice(
        [Expression.Literal("0"), new Sequence([new ByteRange((byte)'1', (byte)'9'), new Repeat(Digit, 0, IntegerRange.MostDigits - 1)])]);

    /// <summary>
    /// A character of a string, escaped where it must be and not elsewhere: a text has one form, in which banned ones are found.
    /// </summary>
    public RuleReference Character => _character ??= rules.Add("character", CharacterForm.JsonString.Of(CodePoints.All));

    public RuleReference String => _string ??= rules.Add("string", Quoted(new Repeat(Character, 0, null)));

    /// <summary>Any value.</summary>
    public RuleReference Value
    {
        get
        {
            if (_value is not null) return _value;
            _value = rules.Declare("value");
            rules.Define(_value, new Choice([Null, Boolean, Number, String, ArrayOf(_value, 0, null), Map(_value)]));
            return _value;
        }
    }

    /// <summary>An array of <paramref name="least"/> to <paramref name="most"/> items.</summary>
    public static Expression ArrayOf(Expression item, int least, int? most)
    {
        Expression items = new Sequence([item, new Repeat(new Sequence([Comma, item]), Math.Max(0, least - 1), most - 1)]);
        if (most == 0) items = Expression.Empty;
        else if (least == 0) items = Expression.Optional(items);
        return new Sequence([Expression.Literal("["), items, Expression.Literal("]")]);
    }

    /// <summary>An object with any names.</summary>
    public Expression Map(Expression value)
    {
        var member = new Sequence([String, Colon, value]);
        return new Sequence([Expression.Literal("{"),
            Expression.Optional(new Sequence([member, new Repeat(new Sequence([Comma, member]), 0, null)])), Expression.Literal("}")]);
    }

    private static Sequence Separator(char c) => new([Expression.Literal(c.ToString()), Expression.Optional(Expression.Literal(" "))]);
}
