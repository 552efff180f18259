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

    public float? FrequencyPenalty { get; init; }

    public float? PresencePenalty { get; init; }

    /// <summary>Added to the logits of tokens, whose ids are the keys.</summary>
    public IReadOnlyDictionary<string, float>? LogitBias { get; init; }

    public long? Seed { get; init; }

    [JsonConverter(typeof(OneOrMore))]
    public IReadOnlyList<string>? Stop { get; init; }

    /// <summary>
    /// The caller's name for a conversation: its requests are sent to the session that knows it, and it can be forgotten by this name.
    /// </summary>
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

    public bool? Logprobs { get; init; }

    public int? TopLogprobs { get; init; }

    public IReadOnlyList<Tool>? Tools { get; init; }

    /// <summary><c>none</c>, <c>auto</c>, <c>required</c>, or an object that names a function.</summary>
    public JsonElement? ToolChoice { get; init; }

    public bool? ParallelToolCalls { get; init; }

    /// <summary>A conversation that the server keeps: the messages go on with it, and they and the answer become a part of it.</summary>
    public string? Conversation { get; init; }

    /// <summary>Of these, <c>language</c> counts: that of the kiosk's answer where no text is about the question.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

/// <summary>A message of a conversation.</summary>
internal sealed record RequestMessage
{
    public string? Role { get; init; }

    [JsonConverter(typeof(TextContent))]
    public string? Content { get; init; }

    /// <summary>Functions that the assistant called.</summary>
    public IReadOnlyList<ToolCall>? ToolCalls { get; init; }

    /// <summary>The call whose result a tool's message is.</summary>
    public string? ToolCallId { get; init; }
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

    /// <summary>How many of the likeliest tokens are told in the place of each.</summary>
    public int? Logprobs { get; init; }
}

/// <summary>A request of /v1/embeddings. The input has the forms of a completion's prompt.</summary>
internal sealed record EmbeddingRequest(string? Model, JsonElement? Input, string? EncodingFormat, int? Dimensions);

/// <summary>A request of /tokenize: a text or a conversation.</summary>
internal sealed record TokenizeRequest(string? Text, IReadOnlyList<RequestMessage>? Messages, bool? AddSpecial);
