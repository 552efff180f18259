using System.Text.Json;
using System.Text.Json.Serialization;

namespace MixtralVk.Server.Json;

/// <summary>What requests for chat and for text have in common. A field that is missing or null takes the server's default.</summary>
internal abstract record GenerationRequest
{
    public string? Model { get; init; }

    public bool? Stream { get; init; }

    public StreamOptions? StreamOptions { get; init; }

    public int? MaxTokens { get; init; }

    public int? N { get; init; }

    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public int? TopK { get; init; }

    public float? MinP { get; init; }

    public float? RepetitionPenalty { get; init; }

    public long? Seed { get; init; }

    [JsonConverter(typeof(OneOrMore))]
    public IReadOnlyList<string>? Stop { get; init; }

    /// <summary>The caller's name for a conversation: its requests are sent to the session that knows it, and it can be forgotten by this name.</summary>
    public string? PromptCacheKey { get; init; }
}

/// <summary>What a stream holds beside the text.</summary>
internal sealed record StreamOptions(bool? IncludeUsage);

/// <summary>A request of /v1/chat/completions.</summary>
internal sealed record ChatRequest : GenerationRequest
{
    public IReadOnlyList<RequestMessage>? Messages { get; init; }

    public int? MaxCompletionTokens { get; init; }

    public ResponseFormat? ResponseFormat { get; init; }
}

/// <summary>A message of a conversation.</summary>
internal sealed record RequestMessage
{
    public string? Role { get; init; }

    [JsonConverter(typeof(TextContent))]
    public string? Content { get; init; }
}

/// <summary>What form an answer must have: <c>text</c>, <c>json_object</c> or <c>json_schema</c>.</summary>
internal sealed record ResponseFormat(string? Type, NamedSchema? JsonSchema);

/// <summary>A schema; its name and <c>strict</c> change nothing, as every answer obeys its schema.</summary>
internal sealed record NamedSchema(JsonElement? Schema);

/// <summary>A request of /v1/completions. The prompt is a text, a list of texts, a list of tokens, or a list of lists of tokens.</summary>
internal sealed record CompletionRequest : GenerationRequest
{
    public JsonElement? Prompt { get; init; }

    public string? Suffix { get; init; }

    public bool? Echo { get; init; }

    public int? BestOf { get; init; }
}

/// <summary>A request of /tokenize: a text or a conversation.</summary>
internal sealed record TokenizeRequest(string? Text, IReadOnlyList<RequestMessage>? Messages, bool? AddSpecial);
