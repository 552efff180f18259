using System.Text.Json;

namespace MixtralVk.Cli;

/// <summary>What a character of the shipped model says and does, as it answers in JSON.</summary>
internal sealed record CharacterReply(string Say, string Emotion, string Action, string Target)
{
    /// <summary>The schema of such an answer.</summary>
    public const string Schema = """
        {
          "type": "object",
          "properties": { "say": { "type": "string" }, "emotion": { "type": "string" }, "action": { "type": "string" }, "target": { "type": "string" } },
          "required": ["say", "emotion", "action", "target"],
          "additionalProperties": false
        }
        """;

    /// <summary>Reads an answer; null when it is not JSON of exactly this form.</summary>
    public static CharacterReply? Read(string answer)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(answer);
            JsonElement reply = json.RootElement;
            if (reply.ValueKind != JsonValueKind.Object || reply.EnumerateObject().Count() != 4) return null;
            return Text("say") is { } say && Text("emotion") is { } emotion && Text("action") is { } action && Text("target") is { } target
                ? new CharacterReply(say, emotion, action, target) : null;

            string? Text(string key) =>
                reply.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null; // no JSON, or half a surrogate pair in it: a wrong answer, not an error
        }
    }
}
