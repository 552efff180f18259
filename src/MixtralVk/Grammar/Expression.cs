using System.Text;

namespace MixtralVk.Grammar;

/// <summary>What a schema, a pattern or a grammar is made of once parsed: a set of byte strings.</summary>
internal abstract record Expression
{
    /// <summary>The empty text only.</summary>
    public static Expression Empty { get; } = new Sequence([]);

    /// <summary>One text, as UTF-8.</summary>
    public static Expression Literal(string text) =>
        new Sequence([.. Encoding.UTF8.GetBytes(text).Select(b => new ByteRange(b, b))]);

    public static Expression Optional(Expression inner) => new Repeat(inner, 0, 1);
}

/// <summary>One byte between <paramref name="First"/> and <paramref name="Last"/>.</summary>
internal sealed record ByteRange(byte First, byte Last) : Expression;

/// <summary>One part after the other.</summary>
internal sealed record Sequence(IReadOnlyList<Expression> Parts) : Expression;

/// <summary>One of the options; none of them when there are none.</summary>
internal sealed record Choice(IReadOnlyList<Expression> Options) : Expression;

/// <summary><paramref name="Least"/> to <paramref name="Most"/> times; no upper bound when that is null.</summary>
internal sealed record Repeat(Expression Inner, int Least, int? Most) : Expression;

/// <summary>
/// What is made when the automaton is, and not kept: a few characters of a source may stand for so much that only the limit of states
/// bounds it.
/// </summary>
internal sealed record Deferred(Func<Expression> Make) : Expression;

/// <summary>A rule of <see cref="RuleSet"/>: the way to recursion.</summary>
internal sealed record RuleReference(int Rule) : Expression;
