using System.Text.Json;
using MixtralVk.Server.Conversations;
using MixtralVk.Server.Json;
using MixtralVk.Tokenization;

namespace MixtralVk.Server.Api;

/// <summary>POST /v1/completions: texts that are gone on with.</summary>
internal sealed class CompletionEndpoint(ServerOptions server, GenerationEndpoint generation)
{
    /// <summary>Most prompts of one request.</summary>
    private const int MaxPrompts = 64;

    public async Task HandleAsync(HttpContext context, CancellationToken cancellationToken)
    {
        CompletionRequest request =
            await Gate.ReadAsync(context, ApiJson.Default.CompletionRequest, cancellationToken).ConfigureAwait(false);
        SessionPool sessions = generation.Sessions(request.Model);
        if (!string.IsNullOrEmpty(request.Suffix)) throw ApiException.Unsupported("suffix");
        if (request.Echo is true) throw ApiException.Unsupported("echo");
        if (request.BestOf is int best && best != (request.N ?? 1)) throw ApiException.Unsupported("best_of");
        IReadOnlyList<int[]> prompts = Prompts(request.Prompt, "prompt", sessions.Model.Tokenizer);
        int? logProbabilities = RequestOptions.LogProbabilities(request.Logprobs, "logprobs");
        var task = new GenerationTask(request, "cmpl", "text_completion", prompts, server,
            tokens => RequestOptions.Read(request, request.MaxTokens, logProbabilities, null, tokens, sessions.Model, server),
            index => new TextAnswer(index, logProbabilities is null ? null : sessions.Model.Tokenizer))
        {
            Conversation = request.PromptCacheKey is string given ? ConversationName.Of(context, given).Unique : null,
        };
        await generation.AnswerAsync(context, sessions, task, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The tokens of each prompt or input: a text, a list of texts, a list of tokens, or a list of lists of tokens.</summary>
    /// <param name="given">The field's value.</param>
    /// <param name="field">The field's name.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    internal static IReadOnlyList<int[]> Prompts(JsonElement? given, string field, Tokenizer tokenizer)
    {
        JsonElement prompt = given ?? throw Wrong();
        int[][] prompts = prompt switch
        {
            { ValueKind: JsonValueKind.String } => [Tokens(prompt)],
            { ValueKind: JsonValueKind.Array }
                when prompt.GetArrayLength() > 0 && prompt[0].ValueKind == JsonValueKind.Number => [Tokens(prompt)],
            { ValueKind: JsonValueKind.Array }
                when prompt.GetArrayLength() is > 0 and <= MaxPrompts => [.. prompt.EnumerateArray().Select(Tokens)],
            _ => throw Wrong(),
        };
        return prompts.All(tokens => tokens.Length > 0) ? prompts : throw Wrong();

        int[] Tokens(JsonElement prompt) => prompt.ValueKind switch
        {
            JsonValueKind.String => tokenizer.Encode(prompt.GetString()),
            JsonValueKind.Array => [.. prompt.EnumerateArray().Select(Token)],
            _ => throw Wrong(),
        };

        int Token(JsonElement given)
        {
            if (given.ValueKind != JsonValueKind.Number || !given.TryGetInt32(out int token)) throw Wrong();
            return token >= 0 && token < tokenizer.VocabSize ? token
                : throw ApiException.Invalid($"Token id {token} is outside the vocabulary (0 to {tokenizer.VocabSize - 1}).", field);
        }

        ApiException Wrong() => ApiException.Invalid(
            $"'{field}' must be a text, a list of tokens, or a list of at most {MaxPrompts} of these, none of them empty.", field);
    }
}
