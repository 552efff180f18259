using System.Text;

namespace MixtralVk.Grammar;

/// <summary>A set of Unicode characters (surrogates are none), and its UTF-8 form.</summary>
internal sealed class CodePoints
{
    private const int Last = 0x10FFFF, FirstSurrogate = 0xD800, LastSurrogate = 0xDFFF;

    private readonly (int First, int Last)[] _ranges; // ascending, apart from each other

    private CodePoints(IEnumerable<(int First, int Last)> ranges) => _ranges = Normalize(ranges);

    public static CodePoints All { get; } = new([(0, Last)]);

    /// <summary>The only character of the set; null when there are none or more.</summary>
    public int? Single => _ranges is [(int first, int last)] && first == last ? first : null;

    public bool IsEmpty => _ranges.Length == 0;

    public static CodePoints Range(int first, int last) => new([(first, last)]);

    public static CodePoints Of(params ReadOnlySpan<int> characters)
    {
        var ranges = new List<(int, int)>();
        foreach (int c in characters) ranges.Add((c, c));
        return new CodePoints(ranges);
    }

    public CodePoints Union(CodePoints other) => new(_ranges.Concat(other._ranges));

    /// <summary>The characters of any of the sets.</summary>
    public static CodePoints Union(IEnumerable<CodePoints> sets) => new(sets.SelectMany(set => set._ranges));

    /// <summary>The characters of this set that are not in the other.</summary>
    public CodePoints Except(CodePoints other) => Complement().Union(other).Complement();

    public CodePoints Intersect(CodePoints other) => Complement().Union(other.Complement()).Complement();

    /// <summary>Every character that is not in the set.</summary>
    public CodePoints Complement()
    {
        var gaps = new List<(int, int)>();
        int next = 0;
        foreach ((int first, int last) in _ranges)
        {
            if (first > next) gaps.Add((next, first - 1));
            next = last + 1;
        }
        if (next <= Last) gaps.Add((next, Last));
        return new CodePoints(gaps);
    }

    /// <summary>The characters one by one; for small sets.</summary>
    public IEnumerable<int> Enumerate() => _ranges.SelectMany(r => Enumerable.Range(r.First, r.Last - r.First + 1));

    /// <summary>The UTF-8 of one character of the set.</summary>
    public Expression ToExpression()
    {
        var options = new List<Expression>();
        foreach ((int first, int last) in _ranges) AddUtf8(first, last, options);
        return options.Count == 1 ? options[0] : new Choice(options);
    }

    private static (int, int)[] Normalize(IEnumerable<(int First, int Last)> ranges)
    {
        var merged = new List<(int First, int Last)>();
        foreach ((int first, int last) in WithoutSurrogates(ranges).OrderBy(r => r.First))
        {
            if (merged.Count > 0 && first <= merged[^1].Last + 1) merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, last));
            else merged.Add((first, last));
        }
        return [.. merged];
    }

    private static IEnumerable<(int First, int Last)> WithoutSurrogates(IEnumerable<(int First, int Last)> ranges)
    {
        foreach ((int first, int last) in ranges)
        {
            if (first < FirstSurrogate && first <= last) yield return (first, Math.Min(last, FirstSurrogate - 1));
            if (last > LastSurrogate) yield return (Math.Max(first, LastSurrogate + 1), last);
        }
    }

    /// <summary>
    /// Cuts a range where the length of the UTF-8 form changes, and then so that in each piece the bytes vary independently of each other
    /// (RFC 3629: all bytes after the first are 80..BF).
    /// </summary>
    private static void AddUtf8(int first, int last, List<Expression> options)
    {
        foreach (int border in (ReadOnlySpan<int>)[0x7F, 0x7FF, 0xFFFF])
        {
            if (first > border || last <= border) continue;
            AddUtf8(first, border, options);
            AddUtf8(border + 1, last, options);
            return;
        }
        for (int bits = 6; bits <= 18; bits += 6)
        {
            int low = (1 << bits) - 1;
            if (last <= 0x7F || (first & ~low) == (last & ~low)) break;
            if ((first & low) != 0)
            {
                AddUtf8(first, first | low, options);
                AddUtf8((first | low) + 1, last, options);
                return;
            }
            if ((last & low) != low)
            {
                AddUtf8(first, (last & ~low) - 1, options);
                AddUtf8(last & ~low, last, options);
                return;
            }
        }
        Span<byte> from = stackalloc byte[4], to = stackalloc byte[4];
        int length = new Rune(first).EncodeToUtf8(from);
        new Rune(last).EncodeToUtf8(to);
        var bytes = new Expression[length];
        for (int i = 0; i < length; i++) bytes[i] = new ByteRange(from[i], to[i]);
        options.Add(length == 1 ? bytes[0] : new Sequence(bytes));
    }
}
