using System.Text.Json;
using System.Text.Json.Nodes;
using MixtralVk.Grammar;
using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>
/// The functions of one request. Mixtral-Instruct has no tokens for calls, so they are described in the system text, and a call is an
/// answer of the form <c>{"tool_calls": [{"name": "...", "arguments": {...}}]}</c>, to which the answer is held by a constraint: what
/// begins with a brace is a valid call.
/// </summary>
internal sealed class Toolbox
{
    private const int MostCalls = 16;
    private readonly string _schema;
    private readonly bool _mustCall;

    private Toolbox(string instructions, string schema, bool mustCall) =>
        (Instructions, _schema, _mustCall) = (instructions, schema, mustCall);

    /// <summary>What the model is told.</summary>
    public string Instructions { get; }

    /// <summary>Null where the request has no functions, or forbids to call them. Throws <see cref="ApiException"/>.</summary>
    public static Toolbox? Of(ChatRequest request)
    {
        if (request.Tools is null or { Count: 0 })
            return request.ToolChoice is null or { ValueKind: JsonValueKind.String }
                ? null : throw ApiException.Invalid("There is no 'tools' to choose from.", "tool_choice");
        if (request.ResponseFormat is { Type: not "text" })
            throw ApiException.Invalid("'response_format' and 'tools' exclude each other.", "response_format");
        var functions = new Dictionary<string, FunctionDescription>(StringComparer.Ordinal);
        for (int i = 0; i < request.Tools.Count; i++)
            if (request.Tools[i] is not { Type: "function", Function: { Name.Length: > 0 } function }
                || !functions.TryAdd(function.Name, function))
                throw ApiException.Invalid($"'tools[{i}]' must be a function with a name of its own.", $"tools[{i}]");
        (bool mustCall, string? only) = Choice(request.ToolChoice);
        if (only is "") return null;
        if (only is not null && !functions.ContainsKey(only))
            throw ApiException.Invalid($"'tool_choice' names '{only}', which is not among the tools.", "tool_choice");
        FunctionDescription[] offered = [.. functions.Values.Where(function => only is null || function.Name == only)];
        return new Toolbox(Describe(offered),
            Schema(offered, only is not null || request.ParallelToolCalls is false ? 1 : MostCalls), mustCall);
    }

    /// <summary>What an answer must look like. Throws <see cref="ApiException"/> for parameters that are not understood.</summary>
    public Constraint Constraint(Constraints constraints)
    {
        try
        {
            return _mustCall ? constraints.OfSchema(_schema) : constraints.OfSchemaOrText(_schema);
        }
        catch (GrammarException e)
        {
            throw ApiException.Invalid(e.Message, "tools");
        }
    }

    /// <summary>The calls in an answer; null where it is a text, or was cut off.</summary>
    public static IReadOnlyList<ToolCall>? Parse(string answer)
    {
        if (!answer.StartsWith('{')) return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(answer);
            return [.. document.RootElement.GetProperty("tool_calls").EnumerateArray().Select((call, index) =>
                new ToolCall($"call_{Guid.NewGuid():N}", "function",
                    new FunctionCall(call.GetProperty("name").GetString(), call.GetProperty("arguments").GetRawText())) { Index = index })];
        }
        catch (JsonException)
        {
            return null; // stopped within: the client gets what there is, as text
        }
    }

    /// <summary>
    /// Calls that the model made before, in its own form. Throws <see cref="JsonException"/> where arguments are no JSON.
    /// </summary>
    public static string Write(IReadOnlyList<ToolCall> calls) => new JsonObject
    {
        ["tool_calls"] = new JsonArray([.. calls.Select(call =>
            new JsonObject { ["name"] = call.Function!.Name, ["arguments"] = Arguments(call.Function) })]),
    }.ToJsonString();

    private static JsonNode? Arguments(FunctionCall call) =>
        JsonNode.Parse(JsonSerializer.Deserialize(call.Arguments!, ApiJson.Default.JsonElement).GetRawText());

    private static (bool MustCall, string? Only) Choice(JsonElement? choice)
    {
        switch (choice)
        {
            case null: return (false, null);
            case { ValueKind: JsonValueKind.String } word:
                return word.GetString() switch
                {
                    "auto" => (false, null),
                    "required" => (true, null),
                    "none" => (false, ""),
                    _ => throw Wrong(),
                };
            case { ValueKind: JsonValueKind.Object } named
                when named.TryGetProperty("function", out JsonElement function) && function.ValueKind == JsonValueKind.Object
                && function.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String
                && name.GetString() is { Length: > 0 } only:
                return (true, only);
            default: throw Wrong();
        }

        static ApiException Wrong() =>
            ApiException.Invalid("'tool_choice' must be none, auto, required, or name a function.", "tool_choice");
    }

    private static string Describe(IEnumerable<FunctionDescription> functions) =>
        "You can call functions. To call one, answer only with JSON of the form {\"tool_calls\": [{\"name\": NAME, \"arguments\": ARGUMENTS}]}. The functions:\n" +
        string.Join('\n', functions.Select(function => new JsonObject
        {
            ["name"] = function.Name,
            ["description"] = function.Description,
            ["parameters"] = function.Parameters is { } parameters ? JsonNode.Parse(parameters.GetRawText()) : null,
        }.ToJsonString()));

    private static string Schema(FunctionDescription[] functions, int mostCalls)
    {
        var calls = new JsonArray();
        for (int i = 0; i < functions.Length; i++)
        {
            JsonNode? arguments = functions[i].Parameters is { ValueKind: not JsonValueKind.Null } parameters
                ? JsonNode.Parse(parameters.GetRawText()) : new JsonObject { ["type"] = "object" };
            MoveReferences(arguments, $"#/properties/tool_calls/items/anyOf/{i}/properties/arguments");
            calls.Add((JsonNode)Object(("name", new JsonObject { ["const"] = functions[i].Name }), ("arguments", arguments)));
        }
        return Object(("tool_calls", new JsonObject { ["type"] = "array", ["minItems"] = 1, ["maxItems"] = mostCalls,
            ["items"] = new JsonObject { ["anyOf"] = calls } })).ToJsonString();
    }

    private static JsonObject Object(params (string Name, JsonNode? Schema)[] properties) => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject(properties.Select(property => KeyValuePair.Create(property.Name, property.Schema))),
        ["required"] = new JsonArray([.. properties.Select(property => JsonValue.Create(property.Name))]),
        ["additionalProperties"] = false,
    };

    /// <summary>References within a schema begin at its root, which is now a part of another one.</summary>
    private static void MoveReferences(JsonNode? node, string root)
    {
        if (node is JsonArray list) foreach (JsonNode? item in list) MoveReferences(item, root);
        if (node is not JsonObject schema) return;
        foreach ((string name, JsonNode? value) in schema.ToArray())
            if (name == "$ref" && value is JsonValue text && text.TryGetValue(out string? reference) && reference.StartsWith('#'))
                schema[name] = root + reference[1..];
            else MoveReferences(value, root);
    }
}
