using System.Globalization;

namespace MixtralVk.Grammar;

/// <summary>Numbers of a schema: bounds and multiples.</summary>
internal static class JsonNumbers
{
    private const int MostListed = 10_000, FractionDigits = 2, MostFractionDigits = 6;
    private const decimal Beyond = IntegerRange.Longest + 1;

    public static Expression Of(SchemaKeywords schema, bool integer)
    {
        decimal? least = schema.TakeNumber("minimum"), above = schema.TakeNumber("exclusiveMinimum");
        decimal? most = schema.TakeNumber("maximum"), below = schema.TakeNumber("exclusiveMaximum");
        decimal? multiple = schema.TakeNumber("multipleOf");
        if (multiple is not null) return MultiplesOf(multiple.Value, least, above, most, below, integer);
        if (least is null && above is null && most is null && below is null) return integer ? JsonRules.Integer : JsonRules.Number;

        // A bound further away says no more than the longest number.
        (least, above, most, below) = (Within(least), Within(above), Within(most), Within(below));
        Expression? integers = Scaled(least, above, most, below, 0);
        if (integer) return integers ?? throw Impossible();
        // Besides integers, numbers with a fixed count of decimals, enough to reach the bounds.
        int decimals = new[] { least, above, most, below }.Max(bound => bound is null ? FractionDigits : DecimalsOf(bound.Value));
        Expression? fractions = Scaled(least, above, most, below, Math.Max(FractionDigits, decimals));
        Expression[] options = [.. new[] { integers, fractions }.OfType<Expression>()];
        return options.Length > 0 ? new Choice(options) : throw Impossible();
    }

    /// <summary>The numbers within the bounds with this many decimals; null when there are none.</summary>
    private static Deferred? Scaled(decimal? least, decimal? above, decimal? most, decimal? below, int decimals)
    {
        decimal scale = Scale(decimals);
        long low = Max(Max(Ceiling(least * scale), Floor(above * scale) + 1), -IntegerRange.Longest)!.Value;
        long high = Min(Min(Floor(most * scale), Ceiling(below * scale) - 1), IntegerRange.Longest)!.Value;
        return low > high ? null : new Deferred(() => IntegerRange.Between(low, high, decimals));
    }

    private static Deferred MultiplesOf(decimal multiple, decimal? least, decimal? above, decimal? most, decimal? below, bool integer)
    {
        foreach (decimal? bound in (ReadOnlySpan<decimal?>)[multiple, least, above, most, below])
            if (bound is { } value && Math.Abs(value) >= Beyond)
                throw new GrammarException("The schema has a \"multipleOf\" with a bound of more than 15 digits.");
        int decimals = DecimalsOf(multiple);
        if (multiple <= 0 || integer && decimals > 0)
            throw new GrammarException("The schema's \"multipleOf\" must be above 0, and an integer for integers.");
        long? low = Max(Ceiling(least / multiple), Floor(above / multiple) + 1),
            high = Min(Floor(most / multiple), Ceiling(below / multiple) - 1);
        if (low is null || high is null || high - low >= MostListed || Math.Abs(low.Value) >= Beyond || Math.Abs(high.Value) >= Beyond)
            throw new GrammarException(
                $"The schema's \"multipleOf\" needs a minimum and a maximum with at most {MostListed} multiples between them.");
        if (low > high) throw Impossible();
        return new Deferred(() => Expression.OneOf(Enumerable.Range(0, (int)(high.Value - low.Value) + 1)
            .Select(i => ((low.Value + i) * multiple).ToString($"F{decimals}", CultureInfo.InvariantCulture))));
    }

    private static int DecimalsOf(decimal number)
    {
        for (int decimals = 0; decimals <= MostFractionDigits; decimals++)
            if (decimal.IsInteger(number * Scale(decimals))) return decimals;
        throw new GrammarException($"The schema has a bound with more than {MostFractionDigits} decimals.");
    }

    private static decimal Scale(int decimals)
    {
        decimal scale = 1;
        while (decimals-- > 0) scale *= 10;
        return scale;
    }

    private static long? Ceiling(decimal? value) => value is null ? null : (long)Within(decimal.Ceiling(value.Value))!;

    private static long? Floor(decimal? value) => value is null ? null : (long)Within(decimal.Floor(value.Value))!;

    private static decimal? Within(decimal? value) => value is { } bound ? Math.Clamp(bound, -Beyond, Beyond) : null;

    private static long? Max(long? a, long? b) => a is null ? b : b is null ? a : Math.Max(a.Value, b.Value);

    private static long? Min(long? a, long? b) => a is null ? b : b is null ? a : Math.Min(a.Value, b.Value);

    private static GrammarException Impossible() => new(
        $"The schema has a number that nothing satisfies: none of at most {IntegerRange.MostDigits} digits is between its minimum and its maximum.");
}
