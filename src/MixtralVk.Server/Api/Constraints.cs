using System.Text.Json;
using Microsoft.Extensions.Caching.Memory;
using MixtralVk.Grammar;
using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>Constraints of requests; those used lately are kept, with what they have learned of the vocabulary.</summary>
internal sealed class Constraints : IDisposable
{
    private const int Kept = 64;
    private readonly MemoryCache _bySchema = new(new MemoryCacheOptions { SizeLimit = Kept });
    private readonly Constraint _json = Constraint.JsonSchema("""{"type":"object","additionalProperties":true}""");

    /// <summary>What an answer must look like; null for any text. Throws <see cref="ApiException"/> and <see cref="GrammarException"/>.</summary>
    public Constraint? Of(ResponseFormat? format) => format switch
    {
        null or { Type: "text" } => null,
        { Type: "json_object" } => _json,
        { Type: "json_schema", JsonSchema.Schema: { } schema } => OfSchema(schema),
        { Type: "json_schema" } => throw ApiException.Invalid("'response_format.json_schema.schema' is missing.", "response_format.json_schema.schema"),
        _ => throw ApiException.Invalid("'response_format.type' must be text, json_object or json_schema.", "response_format.type"),
    };

    public void Dispose() => _bySchema.Dispose();

    private Constraint OfSchema(JsonElement schema)
    {
        string text = schema.GetRawText();
        if (_bySchema.TryGetValue(text, out Constraint? known)) return known!;
        return _bySchema.Set(text, Constraint.JsonSchema(text), new MemoryCacheEntryOptions { Size = 1 });
    }
}
