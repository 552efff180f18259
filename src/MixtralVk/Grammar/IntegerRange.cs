using System.Globalization;

namespace MixtralVk.Grammar;

/// <summary>The decimal numbers between two bounds, digit by digit.</summary>
internal static class IntegerRange
{
    /// <summary>Most digits of a number: what a double holds exactly.</summary>
    public const int MostDigits = 15;

    /// <summary>The largest number of so many.</summary>
    public const long Longest = 999_999_999_999_999;

    /// <summary>
    /// Integers from <paramref name="low"/> to <paramref name="high"/>, both of at most <see cref="MostDigits"/> digits;
    /// <paramref name="decimals"/> of the digits stand behind a decimal point, always all of them.
    /// </summary>
    public static Expression Between(long low, long high, int decimals)
    {
        var options = new List<Expression>();
        if (low < 0) options.Add(new Sequence([Expression.Literal("-"), Positive(Math.Max(1, -high), -low, decimals)]));
        if (high >= 0) options.Add(Positive(Math.Max(0, low), high, decimals));
        return options.Count == 1 ? options[0] : new Choice(options);
    }

    private static Choice Positive(long least, long most, int decimals)
    {
        var options = new List<Expression>();
        // Numbers of one length at a time: then digits compare from the left.
        for (int digits = decimals + 1; ; digits++)
        {
            long first = digits == decimals + 1 ? 0 : Pow10(digits - 1), last = Pow10(digits) - 1;
            if (first > most) break;
            if (last < least) continue;
            string low = Digits(Math.Max(least, first), digits), high = Digits(Math.Min(most, last), digits);
            options.Add(Between(low, high, 0, digits - decimals));
        }
        return new Choice(options);
    }

    /// <summary>
    /// Digit strings from <paramref name="low"/> to <paramref name="high"/>, equally long, from position <paramref name="at"/> on.
    /// </summary>
    private static Expression Between(string low, string high, int at, int point)
    {
        if (at == low.Length) return Expression.Empty;
        Expression[] dot = at == point ? [Expression.Literal(".")] : [];
        if (IsAll(low, '0', at) && IsAll(high, '9', at)) return new Sequence([.. dot, .. AnyDigits(at, low.Length, point)]);
        if (low[at] == high[at]) return new Sequence([.. dot, Digit(low[at], low[at]), Between(low, high, at + 1, point)]);
        string nines = high[..at] + new string('9', high.Length - at), zeros = new('0', low.Length);
        var options = new List<Expression> { new Sequence([.. dot, Digit(low[at], low[at]), Between(low, nines, at + 1, point)]) };
        if (low[at] + 1 < high[at])
            options.Add(new Sequence([.. dot, Digit((char)(low[at] + 1), (char)(high[at] - 1)),
                .. AnyDigits(at + 1, low.Length, point, afterDot: at + 1 == point)]));
        options.Add(new Sequence([.. dot, Digit(high[at], high[at]), Between(zeros, high, at + 1, point)]));
        return new Choice(options);
    }

    /// <summary>Any digits from a position on; with the point where it falls after the first of them.</summary>
    private static IEnumerable<Expression> AnyDigits(int from, int to, int point, bool afterDot = false)
    {
        for (int i = from; i < to; i++)
        {
            if (i == point && (i > from || afterDot)) yield return Expression.Literal(".");
            yield return Digit('0', '9');
        }
    }

    private static bool IsAll(string digits, char digit, int from) => digits.AsSpan(from).IndexOfAnyExcept(digit) < 0;

    private static ByteRange Digit(char first, char last) => new((byte)first, (byte)last);

    private static string Digits(long value, int count) => value.ToString(CultureInfo.InvariantCulture).PadLeft(count, '0');

    private static long Pow10(int exponent)
    {
        long power = 1;
        while (exponent-- > 0) power *= 10;
        return power;
    }
}
