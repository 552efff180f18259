using System.Text.Json;

namespace MixtralVk.Grammar;

/// <summary>The keywords of one schema object; those nobody took in the end are not understood.</summary>
internal sealed class SchemaKeywords
{
    private readonly Dictionary<string, JsonElement> _keywords = new(StringComparer.Ordinal);
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    public SchemaKeywords(JsonElement schema, ReadOnlySpan<string> annotations)
    {
        foreach (JsonProperty keyword in schema.EnumerateObject())
            if (!annotations.Contains(keyword.Name)) _keywords[keyword.Name] = keyword.Value;
    }

    public bool Has(string keyword) => _keywords.ContainsKey(keyword);

    public JsonElement? Take(string keyword)
    {
        _taken.Add(keyword);
        return _keywords.TryGetValue(keyword, out JsonElement value) ? value : null;
    }

    /// <summary>The items of a keyword that is a list.</summary>
    public JsonElement[]? TakeList(string keyword) => Take(keyword) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } value => [.. value.EnumerateArray()],
        { } value => throw new GrammarException($"The schema's \"{keyword}\" is {value.GetRawText()}; it must be a list."),
    };

    /// <summary>The properties of a keyword that is an object.</summary>
    public JsonProperty[]? TakeProperties(string keyword) => Take(keyword) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => Distinct([.. value.EnumerateObject()], keyword),
        { } value => throw new GrammarException($"The schema's \"{keyword}\" is {value.GetRawText()}; it must be an object."),
    };

    /// <summary>Of two properties of one name a reader of the answer sees one, a writer would have to obey both.</summary>
    private static JsonProperty[] Distinct(JsonProperty[] properties, string keyword)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonProperty property in properties)
            if (!names.Add(property.Name)) throw new GrammarException($"The schema's \"{keyword}\" has '{property.Name}' twice.");
        return properties;
    }

    /// <summary>The texts of a keyword that is a list of them.</summary>
    public string[]? TakeTexts(string keyword) =>
        TakeList(keyword)?.Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()!
        : throw new GrammarException($"The schema's \"{keyword}\" has {item.GetRawText()} in it; it must be a list of texts.")).ToArray();

    public int? TakeCount(string keyword) => Take(keyword) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt32(out int count) && count is >= 0 and <= 10_000 => count,
        { } value => throw new GrammarException(
            $"The schema's \"{keyword}\" is {value.GetRawText()}; it must be a number from 0 to 10000."),
    };

    public string? TakeText(string keyword) => Take(keyword) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => value.GetString(),
        { } value => throw new GrammarException($"The schema's \"{keyword}\" is {value.GetRawText()}; it must be a text."),
    };

    public decimal? TakeNumber(string keyword) => Take(keyword) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetDecimal(out decimal number) => number,
        { } value => throw new GrammarException(
            $"The schema's \"{keyword}\" is {value.GetRawText()}; it must be a number of at most 28 digits."),
    };

    /// <summary>Throws when a keyword was not taken.</summary>
    public void RefuseRest()
    {
        foreach (string keyword in _keywords.Keys)
            if (!_taken.Contains(keyword)) throw new GrammarException($"The schema's \"{keyword}\" is not supported here.");
    }
}
