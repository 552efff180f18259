using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MixtralVk.Server.Json;

/// <summary>A message's content: a text, or a list of parts, of which only texts are understood.</summary>
internal sealed class TextContent : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String) return reader.GetString();
        if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException();
        var text = new StringBuilder();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            using JsonDocument part = JsonDocument.ParseValue(ref reader);
            if (part.RootElement.ValueKind != JsonValueKind.Object
                || !part.RootElement.TryGetProperty("type", out JsonElement type) || !type.ValueEquals("text")
                || !part.RootElement.TryGetProperty("text", out JsonElement value)
                || value.ValueKind != JsonValueKind.String) throw new JsonException();
            text.Append(value.GetString());
        }
        return text.ToString();
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
