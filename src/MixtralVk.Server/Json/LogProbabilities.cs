using System.Text.Json.Serialization;

namespace MixtralVk.Server.Json;

/// <summary>Probabilities of an answer's tokens: <c>content</c> in chats, the four lists, one entry per token, in completions.</summary>
internal sealed record LogProbabilities
{
    public IReadOnlyList<TokenLogProbability>? Content { get; init; }

    public IReadOnlyList<string>? Tokens { get; init; }

    public IReadOnlyList<float>? TokenLogprobs { get; init; }

    public IReadOnlyList<IReadOnlyDictionary<string, float>>? TopLogprobs { get; init; }

    public IReadOnlyList<int>? TextOffset { get; init; }
}

/// <summary>A token, the natural logarithm of its probability, and those likeliest in its place.</summary>
internal sealed record TokenLogProbability(string Token, float Logprob, IReadOnlyList<int> Bytes)
{
    [JsonPropertyName("top_logprobs")]
    public IReadOnlyList<TokenLogProbability>? Top { get; init; }
}
