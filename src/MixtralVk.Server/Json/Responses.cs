using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace MixtralVk.Server.Json;

/// <summary>An answer of /v1/chat/completions or /v1/completions, whole or one event of a stream.</summary>
internal sealed record GenerationResponse(string Id, string Object, long Created, string Model, IReadOnlyList<Choice> Choices)
{
    public Usage? Usage { get; init; }

    /// <summary>Beyond OpenAI's: where a kiosk's answer is from; in a stream, with its first event.</summary>
    public IReadOnlyList<Source>? Sources { get; init; }
}

/// <summary>A passage of the operator's texts that was given to the model.</summary>
internal sealed record Source(string Title, string Text);

/// <summary>One of the answers to a request. Chats have a message, or in a stream what is added to it; completions have a text.</summary>
internal sealed record Choice(int Index)
{
    public AnswerMessage? Message { get; init; }

    public AnswerMessage? Delta { get; init; }

    public string? Text { get; init; }

    public LogProbabilities? Logprobs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FinishReason { get; init; }
}

/// <summary>The model's message, or a part of it.</summary>
internal sealed record AnswerMessage
{
    public string? Role { get; init; }

    public string? Content { get; init; }

    public IReadOnlyList<ToolCall>? ToolCalls { get; init; }
}

/// <summary>Tokens of a request and its answers.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens, PromptDetails PromptTokensDetails);

/// <summary>Prompt tokens that did not have to be computed, as a session knew them.</summary>
internal sealed record PromptDetails(int CachedTokens);

/// <summary>A kept conversation.</summary>
internal sealed record ConversationResponse(string Id, string Object, IReadOnlyList<AnswerMessage> Messages);

/// <summary>A conversation of which nothing is kept any more.</summary>
internal sealed record ConversationErased(string Id, string Object, bool Deleted);

/// <summary>The answer of /v1/models.</summary>
internal sealed record ModelList(string Object, IReadOnlyList<ModelCard> Data);

/// <summary>A model that can be asked.</summary>
internal sealed record ModelCard(string Id, string Object, long Created, string OwnedBy)
{
    /// <summary>Longest conversation in tokens.</summary>
    public required int ContextLength { get; init; }
}

/// <summary>The answer of /tokenize.</summary>
internal sealed record TokenizeResponse(IReadOnlyList<int> Tokens, int Count, int ContextLength);

/// <summary>Vectors of texts, in the order of the texts.</summary>
internal sealed record EmbeddingResponse(string Object, IReadOnlyList<EmbeddingItem> Data, string Model, EmbeddingUsage Usage);

/// <summary>A vector: a list of numbers, or in base64 the bytes of its 32-bit floats.</summary>
internal sealed record EmbeddingItem(string Object, int Index, JsonNode Embedding);

/// <summary>Tokens of the texts.</summary>
internal sealed record EmbeddingUsage(int PromptTokens, int TotalTokens);

/// <summary>The answer of /health/live and /health/ready.</summary>
internal sealed record HealthResponse(string Status)
{
    /// <summary>How much of the model is loaded, from 0 to 1.</summary>
    public double? Progress { get; init; }
}
