namespace MixtralVk.Grammar;

/// <summary>
/// Patterns of the <c>format</c> values of JSON Schema. They are narrower than the RFCs: every text they match is valid (dates have at most
/// 28 days), not every valid text matches.
/// </summary>
internal static class StringFormats
{
    private const string Date = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
    private const string Time = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])";
    private const string Label = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?";
    private const string Octet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

    /// <summary>Throws <see cref="GrammarException"/> for a format that is not known.</summary>
    public static string PatternOf(string format) => format switch
    {
        "date" => $"^{Date}$",
        "time" => $"^{Time}$",
        "date-time" => $"^{Date}T{Time}$",
        "duration" => "^P([1-9][0-9]{0,3}W|[1-9][0-9]{0,3}D(T[1-9][0-9]{0,3}[HMS])?|T[1-9][0-9]{0,3}[HMS])$",
        "email" => $"^[a-z0-9]+([._+-][a-z0-9]+){{0,4}}@{Label}(\\.{Label}){{1,3}}$",
        "hostname" => $"^{Label}(\\.{Label}){{0,3}}$",
        "ipv4" => $"^{Octet}(\\.{Octet}){{3}}$",
        "ipv6" => "^[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}$",
        "uuid" => "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        _ => throw new GrammarException($"The schema's format '{format}' is not supported."),
    };
}
