using System.Text.Json.Nodes;
using MixtralVk.Grammar;

namespace MixtralVk.Characters;

/// <summary>
/// What the replies of a character look like. Characters with the same emotions, actions and banned topics share one, and with it what its
/// constraint learns of a vocabulary. Any thread.
/// </summary>
/// <param name="Constraint">The form.</param>
/// <param name="BannedTopics">What must not be in a reply.</param>
internal sealed record ReplyForm(Constraint Constraint, IReadOnlyList<string> BannedTopics)
{
    private const int MostTarget = 60;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, WeakReference<ReplyForm>> Known = []; // by schema and topics

    /// <summary>The form of a sheet's replies. Throws <see cref="GrammarException"/>.</summary>
    public static ReplyForm Of(CharacterSheet sheet)
    {
        string schema = SchemaOf(sheet),
            key = new JsonArray([schema, .. sheet.BannedTopics.Select(topic => JsonValue.Create(topic))]).ToJsonString();
        lock (Gate)
        {
            if (Known.TryGetValue(key, out WeakReference<ReplyForm>? known) && known.TryGetTarget(out ReplyForm? form)) return form;
            foreach ((string unused, _) in Known.Where(other => !other.Value.TryGetTarget(out _)).ToArray()) Known.Remove(unused);
            form = new ReplyForm(Constraint.JsonSchema(schema), [.. sheet.BannedTopics]);
            Known[key] = new WeakReference<ReplyForm>(form);
            return form;
        }
    }

    /// <summary>Tokens of a short reply.</summary>
    public int ShortestTokens(Tokenization.Tokenizer tokenizer) => Constraint.Without(BannedTopics).ShortestTokens(tokenizer);

    /// <summary>One alternative for each action, with the targets it can have.</summary>
    private static string SchemaOf(CharacterSheet sheet)
    {
        var free = new JsonObject { ["type"] = "string", ["maxLength"] = MostTarget };
        IEnumerable<(string Name, JsonNode Target)> actions = [(CharacterActions.None, free.DeepClone()),
            .. (sheet.Actions?.All ?? []).Select(a => (a.Name, a.Targets is null ? free.DeepClone() : OneOf(a.Targets)))];
        return new JsonObject { ["anyOf"] = new JsonArray([.. actions.Select(a =>
            Alternative(sheet.Voice.Emotions, a.Name, a.Target))]) }.ToJsonString();
    }

    private static JsonObject Alternative(IReadOnlyList<string> emotions, string action, JsonNode target) => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject
        {
            ["say"] = new JsonObject { ["type"] = "string" }, ["emotion"] = OneOf(emotions),
            ["action"] = new JsonObject { ["const"] = action }, ["target"] = target,
        },
        ["required"] = new JsonArray("say", "emotion", "action", "target"),
    };

    private static JsonObject OneOf(IReadOnlyList<string> texts) =>
        new() { ["enum"] = new JsonArray([.. texts.Select(text => JsonValue.Create(text))]) };
}
