using System.Text.Json;
using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>A JSON file of a checkpoint folder; its top level is an object. Errors name the file and the member.</summary>
internal sealed class JsonFile : IDisposable
{
    private const int MaxDepth = 32;

    private readonly JsonDocument _document;

    private JsonFile(string path, JsonDocument document) => (Path, _document) = (path, document);

    /// <summary>Path of the file.</summary>
    public string Path { get; }

    /// <summary>The top level.</summary>
    public JsonElement Root => _document.RootElement;

    /// <summary>
    /// Reads a file of at most <paramref name="mostBytes"/>; what is not a JSON object is a <see cref="ModelFileException"/>.
    /// </summary>
    public static JsonFile Open(string path, int mostBytes) => Parse(path, CheckpointFile.ReadAll(path, mostBytes));

    /// <summary>Reads a file's content.</summary>
    public static JsonFile Parse(string path, ReadOnlyMemory<byte> json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });
        }
        catch (JsonException e)
        {
            throw new ModelFileException(path, $"is not valid JSON (line {e.LineNumber + 1}).", e);
        }
        if (document.RootElement.ValueKind == JsonValueKind.Object) return new JsonFile(path, document);
        document.Dispose();
        throw new ModelFileException(path, "is not a JSON object.");
    }

    /// <summary>A member of an object, or null where it is absent or null.</summary>
    public JsonElement? Find(JsonElement parent, string name)
    {
        if (parent.ValueKind != JsonValueKind.Object) throw Error($"where '{name}' belongs, no object stands.");
        try
        {
            return parent.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
        }
        catch (InvalidOperationException e)
        {
            // Names are compared unescaped, and half a surrogate pair cannot be.
            throw Error($"a name beside '{name}' is not valid UTF-16.", e);
        }
    }

    /// <summary>A member of the top level, or null where it is absent or null.</summary>
    public JsonElement? Find(string name) => Find(Root, name);

    /// <summary>A whole number; null where it is absent.</summary>
    public long? Integer(JsonElement parent, string name) =>
        Find(parent, name) is not { } value ? null : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number
        : throw Error($"'{name}' is not a whole number.");

    /// <summary>A whole number of the top level.</summary>
    public long? Integer(string name) => Integer(Root, name);

    /// <summary>A number; null where it is absent.</summary>
    public double? Number(JsonElement parent, string name) =>
        Find(parent, name) is not { } value
            ? null : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) ? number
        : throw Error($"'{name}' is not a number.");

    /// <summary>A number of the top level.</summary>
    public double? Number(string name) => Number(Root, name);

    /// <summary>A truth value; null where it is absent.</summary>
    public bool? Flag(JsonElement parent, string name) =>
        Find(parent, name) is not { } value ? null : value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.ValueKind == JsonValueKind.True
        : throw Error($"'{name}' is not true or false.");

    /// <summary>A truth value of the top level.</summary>
    public bool? Flag(string name) => Flag(Root, name);

    /// <summary>A text; null where it is absent.</summary>
    public string? Text(JsonElement parent, string name) => Find(parent, name) is { } value ? TextOf(value, name) : null;

    /// <summary>A text of the top level.</summary>
    public string? Text(string name) => Text(Root, name);

    /// <summary>An element that must be a text; <paramref name="name"/> names it in the error.</summary>
    public string TextOf(JsonElement value, string name, string wanted = "a text")
    {
        if (value.ValueKind != JsonValueKind.String) throw Error($"'{name}' is not {wanted}.");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw Error($"'{name}' is not valid UTF-8.", e);
        }
    }

    /// <summary>Elements of an array member, or none where it is absent.</summary>
    public IEnumerable<JsonElement> Elements(JsonElement parent, string name) =>
        Find(parent, name) is not { } value ? [] : value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray() : throw Error($"'{name}' is not a list.");

    /// <summary>Members of an object member, or none where it is absent.</summary>
    public IEnumerable<(string Name, JsonElement Value)> Members(JsonElement parent, string name) =>
        Find(parent, name) is { } value ? MembersOf(value, name) : [];

    /// <summary>Members of an element that must be an object; <paramref name="name"/> names it in the error.</summary>
    public IEnumerable<(string Name, JsonElement Value)> MembersOf(JsonElement value, string name)
    {
        if (value.ValueKind != JsonValueKind.Object) throw Error($"'{name}' is not an object.");
        foreach (JsonProperty member in value.EnumerateObject()) yield return (NameOf(member), member.Value);
    }

    public ModelFileException Error(string problem, Exception? inner = null) => new(Path, problem, inner);

    public void Dispose() => _document.Dispose();

    private string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException e)
        {
            throw Error("a member's name is not valid UTF-8.", e);
        }
    }
}
