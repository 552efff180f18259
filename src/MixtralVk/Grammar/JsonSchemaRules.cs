using System.Globalization;
using System.Text.Json;

namespace MixtralVk.Grammar;

/// <summary>
/// Turns a JSON schema into rules. What restricts values and is not understood is refused, never ignored: every complete answer is valid.
/// Supported: <c>type</c> (also a list), <c>enum</c>, <c>const</c>, <c>anyOf</c>, <c>$ref</c> within the schema, <c>properties</c> with
/// <c>required</c>, <c>items</c>, bounds of numbers, strings and arrays, <c>pattern</c>, <c>format</c>, <c>multipleOf</c>.
/// </summary>
internal sealed class JsonSchemaRules
{
    private static readonly string[] Annotations =
        ["title", "description", "default", "examples", "$schema", "$id", "$comment", "$defs", "definitions", "deprecated",
        "readOnly", "writeOnly"];

    private static readonly string[] AllTypes = ["object", "array", "string", "number", "boolean", "null"];

    private readonly JsonElement _root;
    private readonly RuleSet _rules = new();
    private readonly JsonRules _json;
    private readonly Dictionary<string, RuleReference> _references = new(StringComparer.Ordinal);
    private int _depth;

    private JsonSchemaRules(JsonElement root)
    {
        _root = root;
        _json = new JsonRules(_rules);
    }

    public static RuleSet Build(JsonElement schema)
    {
        var builder = new JsonSchemaRules(schema);
        builder._rules.Root = builder.Reference("#");
        return builder._rules;
    }

    private Expression Schema(JsonElement schema)
    {
        Nesting.Check(++_depth);
        Expression result = schema.ValueKind switch
        {
            JsonValueKind.True => _json.Value,
            JsonValueKind.Object => FromKeywords(new SchemaKeywords(schema, Annotations)),
            _ => throw new GrammarException($"A schema is an object or true, not {schema.GetRawText()}."),
        };
        _depth--;
        return result;
    }

    private Expression FromKeywords(SchemaKeywords schema)
    {
        Expression result;
        if (schema.TakeText("$ref") is { } reference) result = Reference(reference);
        else if (schema.Take("const") is { } constant) result = Literals([constant], schema);
        else if (schema.TakeList("enum") is { } values) result = Literals(values, schema);
        else if (schema.TakeList("anyOf") is { } options) result = new Choice([.. options.Select(Schema)]);
        else
        {
            string[] types = Types(schema);
            result = new Choice([.. types.Select(type => OfType(type, schema))]);
        }
        schema.RefuseRest();
        return result;
    }

    private static string[] Types(SchemaKeywords schema) => schema.Take("type") switch
    {
        { ValueKind: JsonValueKind.String } type => [type.GetString()!],
        { ValueKind: JsonValueKind.Array } => [.. schema.TakeTexts("type")!.Distinct()],
        null => schema.Has("properties") ? ["object"] : schema.Has("items") ? ["array"] : schema.Has("pattern") || schema.Has("format")
            ? ["string"] : AllTypes,
        _ => throw new GrammarException("The schema's \"type\" is a name or a list of names."),
    };

    private Expression OfType(string type, SchemaKeywords schema) => type switch
    {
        "null" => JsonRules.Null,
        "boolean" => JsonRules.Boolean,
        "integer" => JsonNumbers.Of(schema, integer: true),
        "number" => JsonNumbers.Of(schema, integer: false),
        "string" => StringOf(schema),
        "array" => ArrayOf(schema),
        "object" => ObjectOf(schema),
        _ => throw new GrammarException($"The schema has the type '{type}', which JSON Schema does not know."),
    };

    private Expression StringOf(SchemaKeywords schema)
    {
        int least = schema.TakeCount("minLength") ?? 0;
        int? most = schema.TakeCount("maxLength");
        string? pattern = schema.TakeText("pattern"), format = schema.TakeText("format");
        if (pattern is null && format is null)
        {
            if (most < least) throw new GrammarException("The schema has a string whose minLength is above its maxLength.");
            return least == 0 && most is null ? _json.String : JsonRules.Quoted(new Repeat(_json.Character, least, most));
        }
        if (least > 0 || most is not null || pattern is not null && format is not null)
            throw new GrammarException(
                "The schema has a string with two of pattern, format and a length; only one of them is supported: state the length in the pattern.");
        return JsonRules.Quoted(RegexParser.Parse(pattern ?? StringFormats.PatternOf(format!), CharacterForm.JsonString, wholeText: false));
    }

    private Expression ArrayOf(SchemaKeywords schema)
    {
        int least = schema.TakeCount("minItems") ?? 0;
        int? most = schema.TakeCount("maxItems");
        if (most < least) throw new GrammarException("The schema has an array whose minItems is above its maxItems.");
        return JsonRules.ArrayOf(schema.Take("items") is { } items ? _rules.Add("items", Schema(items)) : _json.Value, least, most);
    }

    private Expression ObjectOf(SchemaKeywords schema)
    {
        JsonElement? additional = schema.Take("additionalProperties");
        HashSet<string> required = [.. schema.TakeTexts("required") ?? []];
        JsonProperty[] properties = schema.TakeProperties("properties") ?? [];
        if (properties.Length == 0)
        {
            if (required.Count > 0)
                throw new GrammarException($"The schema requires the property '{required.First()}' but does not describe it.");
            if (additional is { ValueKind: JsonValueKind.False }) return Expression.Literal("{}");
            return _json.Map(additional is { ValueKind: JsonValueKind.Object } values ? _rules.Add("values", Schema(values)) : _json.Value);
        }
        var members = properties.Select(p => (p.Name, Value: Schema(p.Value))).ToList();
        foreach (string name in required)
            if (!members.Exists(m => m.Name == name))
                throw new GrammarException($"The schema requires the property '{name}' but does not describe it.");
        return new Sequence([Expression.Literal("{"), Members(members, required), Expression.Literal("}")]);
    }

    /// <summary>
    /// The members in order, those not required optional. Built from the last to the first, once for the case that a member stands before
    /// (a comma is due) and once for the case that none does.
    /// </summary>
    private Expression Members(List<(string Name, Expression Value)> members, HashSet<string> required)
    {
        Expression afterOther = Expression.Empty, asFirst = Expression.Empty;
        for (int i = members.Count - 1; i >= 0; i--)
        {
            string name = members[i].Name;
            RuleReference member = _rules.Add(name, new Sequence([Expression.Literal(JsonText.Of(name)), JsonRules.Colon, members[i].Value]));
            var with = new Sequence([JsonRules.Comma, member, afterOther]);
            var first = new Sequence([member, afterOther]);
            bool optional = !required.Contains(name);
            (asFirst, afterOther) =
                (_rules.Add($"from {name}", optional ? new Choice([first, asFirst]) : first),
                _rules.Add($"then {name}", optional ? new Choice([with, afterOther]) : with));
        }
        return asFirst;
    }

    private static Expression Literals(JsonElement[] values, SchemaKeywords schema)
    {
        string[] types = schema.Has("type") ? Types(schema) : [.. AllTypes, "integer"];
        string[] possible = [.. values.Where(value => types.Any(type => IsOfType(value, type))).Select(JsonText.Of)];
        return possible.Length > 0
            ? Expression.OneOf(possible) : throw new GrammarException("The schema has an enum of which no value is possible.");
    }

    private static bool IsOfType(JsonElement value, string type) => value.ValueKind switch
    {
        JsonValueKind.Null => type == "null",
        JsonValueKind.True or JsonValueKind.False => type == "boolean",
        JsonValueKind.String => type == "string",
        JsonValueKind.Number =>
            type == "number" || type == "integer" && value.TryGetDecimal(out decimal number) && decimal.IsInteger(number),
        JsonValueKind.Array => type == "array",
        _ => type == "object",
    };

    /// <summary>
    /// The rule of a part of the schema, by JSON pointer (RFC 6901); made when first asked for, so that it may refer to itself.
    /// </summary>
    private RuleReference Reference(string reference)
    {
        if (_references.TryGetValue(reference, out RuleReference? rule)) return rule;
        if (reference != "#" && !reference.StartsWith("#/", StringComparison.Ordinal))
            throw new GrammarException($"The schema refers to '{reference}'; only parts of the schema itself ('#/…') can be referred to.");
        JsonElement part = _root;
        foreach (string step in Uri.UnescapeDataString(reference).Split('/').Skip(1))
        {
            string name = step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            bool found = part.ValueKind switch
            {
                JsonValueKind.Object => part.TryGetProperty(name, out part),
                JsonValueKind.Array when int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
                    && index < part.GetArrayLength() => (part = part[index]).ValueKind != JsonValueKind.Undefined,
                _ => false,
            };
            if (!found) throw new GrammarException($"The schema refers to '{reference}', which it does not have.");
        }
        _references[reference] = rule = _rules.Declare(reference);
        _rules.Define(rule, Schema(part));
        return rule;
    }
}
