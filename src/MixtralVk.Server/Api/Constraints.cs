using Microsoft.Extensions.Caching.Memory;
using MixtralVk.Grammar;
using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>Constraints of requests; those used lately are kept, with what they have learned of the vocabulary.</summary>
internal sealed class Constraints : IDisposable
{
    private const int MostKept = 64, MostStates = 1_000_000; // of all that are kept together
    private readonly MemoryCache _known = new(new MemoryCacheOptions { SizeLimit = MostStates });
    private readonly Constraint _json = Constraint.JsonSchema("""{"type":"object","additionalProperties":true}""");

    /// <summary>
    /// What an answer must look like; null for any text. Throws <see cref="ApiException"/> and <see cref="GrammarException"/>.
    /// </summary>
    public Constraint? Of(ResponseFormat? format) => format switch
    {
        null or { Type: "text" } => null,
        { Type: "json_object" } => _json,
        { Type: "json_schema", JsonSchema.Schema: { } schema } => OfSchema(schema.GetRawText()),
        { Type: "json_schema" } =>
            throw ApiException.Invalid("'response_format.json_schema.schema' is missing.", "response_format.json_schema.schema"),
        _ => throw ApiException.Invalid("'response_format.type' must be text, json_object or json_schema.", "response_format.type"),
    };

    /// <summary>JSON of a schema. Throws <see cref="GrammarException"/>.</summary>
    public Constraint OfSchema(string schema) => Kept((schema, false));

    /// <summary>JSON of a schema, or a text that does not begin with a brace. Throws <see cref="GrammarException"/>.</summary>
    public Constraint OfSchemaOrText(string schema) => Kept((schema, true));

    public void Dispose() => _known.Dispose();

    private Constraint Kept((string Schema, bool OrText) key)
    {
        if (_known.TryGetValue(key, out Constraint? known)) return known!;
        Constraint made = key.OrText ? Constraint.JsonSchemaOrText(key.Schema) : Constraint.JsonSchema(key.Schema);
        return _known.Set(key, made, new MemoryCacheEntryOptions { Size = Math.Max(made.StateCount, MostStates / MostKept) });
    }
}
