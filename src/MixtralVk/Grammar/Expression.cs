using System.Text;

namespace MixtralVk.Grammar;

/// <summary>What a schema, a pattern or a grammar is made of once parsed: a set of byte strings.</summary>
internal abstract record Expression
{
    /// <summary>The empty text only.</summary>
    public static Expression Empty { get; } = new Sequence([]);

    /// <summary>One text, as UTF-8.</summary>
    public static Expression Literal(string text) => Literal(Encoding.UTF8.GetBytes(text));

    /// <summary>One of some texts. Those that begin alike share their beginning, so that a text is in one place of them at a time.</summary>
    public static Expression OneOf(IEnumerable<string> texts)
    {
        byte[][] sorted = [.. texts.Select(Encoding.UTF8.GetBytes)];
        Array.Sort(sorted, (a, b) => a.AsSpan().SequenceCompareTo(b));
        return Tree(sorted, 0, 0);
    }

    public static Expression Optional(Expression inner) => new Repeat(inner, 0, 1);

    private static Sequence Literal(ReadOnlySpan<byte> bytes)
    {
        var parts = new ByteRange[bytes.Length];
        for (int i = 0; i < parts.Length; i++) parts[i] = new ByteRange(bytes[i], bytes[i]);
        return new Sequence(parts);
    }

    /// <summary>What follows the first <paramref name="from"/> bytes, which the texts have in common.</summary>
    private static Expression Tree(ReadOnlySpan<byte[]> sorted, int from, int depth)
    {
        var options = new List<Expression>();
        for (int first = 0, end; first < sorted.Length; first = end)
        {
            end = first + 1;
            ReadOnlySpan<byte> rest = sorted[first].AsSpan(from);
            if (rest.IsEmpty || depth == Nesting.Most)
            {
                options.Add(Literal(rest));
                continue;
            }
            while (end < sorted.Length && sorted[end][from] == rest[0]) end++;
            int shared = rest.CommonPrefixLength(sorted[end - 1].AsSpan(from));
            options.Add(new Sequence([Literal(rest[..shared]), Tree(sorted[first..end], from + shared, depth + 1)]));
        }
        return options.Count == 1 ? options[0] : new Choice(options);
    }
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
