using System.Text.Json.Nodes;

/// <summary>Schemas of every kind that docs/constraints.md lists, made up at random.</summary>
internal sealed class RandomSchema(Random random)
{
    private static readonly string[] s_words = ["say", "emotion", "action", "target", "gold", "név", "a b", "x\"y", "世界", ""];
    private static readonly string[] s_patterns =
        ["^[a-z]{1,8}$", "^(yes|no|maybe)$", "b+", "^\\d{3}-\\d{4}$", "^[^\"\\\\]{0,9}$", "^\\u00e9*x?$", "[A-Z][a-z]*$"];
    private static readonly string[] s_formats = ["date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

    /// <summary>A schema, often with definitions that it refers to.</summary>
    public JsonObject Next()
    {
        if (random.Next(4) > 0) return Value(depth: 3);
        // A list of nodes that end in null, and something used twice.
        JsonObject definitions = new() { ["shared"] = Value(depth: 1),
            ["node"] = Object([("value", Reference("shared")), ("next", AnyOf([Type("null"), Reference("node")]))], required: true) };
        JsonObject root = Object([("first", Reference("node")), ("second", Reference("shared")), ("rest", Value(depth: 1))],
            required: random.Next(2) == 0);
        root["$defs"] = definitions;
        return root;
    }

    private JsonObject Value(int depth) => random.Next(depth > 0 ? 13 : 9) switch
    {
        0 => Type(random.Next(2) == 0 ? "boolean" : "null"),
        1 => Number("integer", 1),
        2 => Number("number", 0.25),
        3 => Text(),
        4 => new JsonObject { ["type"] = "string", ["pattern"] = Pick(s_patterns) },
        5 => new JsonObject { ["type"] = "string", ["format"] = Pick(s_formats) },
        6 => new JsonObject { ["enum"] = new JsonArray([.. Enumerable.Range(0, 1 + random.Next(4))
            .Select(i => i == 3 ? JsonValue.Create(random.Next(100)) : JsonValue.Create($"{Pick(s_words)}{i}"))]) },
        7 => new JsonObject { ["const"] = random.Next(2) == 0 ? JsonValue.Create(Pick(s_words)) : new JsonArray(1, "two", null) },
        8 => new JsonObject { ["type"] = new JsonArray("string", "null", "integer"), ["maxLength"] = 5, ["minimum"] = 3 },
        9 => AnyOf([.. Enumerable.Range(0, 2 + random.Next(2)).Select(_ => Value(depth - 1))]),
        10 => Items(depth),
        _ => Object([.. s_words.OrderBy(_ => random.Next()).Take(1 + random.Next(4)).Select(name => (name, Value(depth - 1)))],
            required: false),
    };

    private JsonObject Number(string type, double step)
    {
        JsonObject number = Type(type);
        double least = Math.Round(random.Next(-2000, 2000) * step, 2), most = least + random.Next(0, 500) * step;
        if (random.Next(3) > 0) number[random.Next(4) == 0 && most > least + 2 ? "exclusiveMinimum" : "minimum"] = least;
        if (random.Next(3) > 0) number[random.Next(4) == 0 && most > least + 2 ? "exclusiveMaximum" : "maximum"] = most;
        return type == "integer" && random.Next(4) == 0
            ? new JsonObject { ["type"] = type, ["minimum"] = -random.Next(50), ["maximum"] = 40 + random.Next(100),
            ["multipleOf"] = 2 + random.Next(7) }
            : number;
    }

    private JsonObject Text()
    {
        JsonObject text = Type("string");
        int least = random.Next(6);
        if (random.Next(2) == 0) text["minLength"] = least;
        if (random.Next(2) == 0) text["maxLength"] = least + random.Next(20);
        return text;
    }

    private JsonObject Items(int depth)
    {
        JsonObject list = Type("array");
        int least = random.Next(3);
        list["items"] = Value(depth - 1);
        if (random.Next(2) == 0) list["minItems"] = least;
        if (random.Next(2) == 0) list["maxItems"] = least + random.Next(4);
        return list;
    }

    private JsonObject Object((string Name, JsonObject Value)[] properties, bool required)
    {
        JsonObject schema = Type("object");
        schema["properties"] = new JsonObject(properties.Select(p => KeyValuePair.Create(p.Name, (JsonNode?)p.Value)));
        schema["required"] =
            new JsonArray([.. properties.Where(_ => required || random.Next(2) == 0).Select(p => JsonValue.Create(p.Name))]);
        schema["additionalProperties"] = false;
        return schema;
    }

    private static JsonObject Type(string name) => new() { ["type"] = name };

    private static JsonObject Reference(string name) => new() { ["$ref"] = $"#/$defs/{name}" };

    private static JsonObject AnyOf(JsonObject[] options) => new() { ["anyOf"] = new JsonArray([.. options]) };

    private T Pick<T>(T[] items) => items[random.Next(items.Length)];
}
