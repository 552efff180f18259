using System.Diagnostics;
using MixtralVk.Grammar;
using MixtralVk.Server.Conversations;
using MixtralVk.Server.Json;
using MixtralVk.Server.Kiosk;
using MixtralVk.Tokenization;

namespace MixtralVk.Server.Api;

/// <summary>POST /v1/chat/completions.</summary>
internal sealed class ChatEndpoint(ServerOptions server, GenerationEndpoint generation, Constraints constraints, Guide guide,
    Embedder embedder, ConversationStore conversations)
{
    private const int MostNameCharacters = 200;

    public async Task HandleAsync(HttpContext context, CancellationToken cancellationToken)
    {
        long came = Stopwatch.GetTimestamp();
        ChatRequest request = await Gate.ReadAsync(context, ApiJson.Default.ChatRequest, cancellationToken).ConfigureAwait(false);
        bool asksGuide = request.Model is not null && request.Model == guide.ModelId;
        SessionPool sessions = generation.Sessions(asksGuide ? null : request.Model);
        ChatTemplate template = TemplateOf(sessions.Model);
        Toolbox? tools = Toolbox.Of(request);
        Constraint? constraint = tools?.Constraint(constraints) ?? constraints.Of(request.ResponseFormat);
        if (request.TopLogprobs is not null && request.Logprobs is not true)
            throw ApiException.Invalid("'top_logprobs' needs 'logprobs'.", "top_logprobs");
        int? logProbabilities = request.Logprobs is true ? RequestOptions.LogProbabilities(request.TopLogprobs ?? 0, "top_logprobs") : null;

        IReadOnlyList<ChatMessage> asked = Messages.ToConversation(request.Messages, tools?.Instructions ?? "");
        ConversationName? name = (request.Conversation ?? request.PromptCacheKey) is string given
            ? ConversationName.Of(context, given) : null;
        using KeptConversation? kept = request.Conversation is null ? null : Open(request, name!.Value, sessions.Model);
        IReadOnlyList<ChatMessage> conversation = kept?.Before(asked, server) ?? asked;
        using var seat = new Seat(sessions, embedder);
        Guidance? guidance = asksGuide
            ? await guide.ForAsync(conversation, request.Metadata?.GetValueOrDefault("language"), sessions.Model, seat, cancellationToken)
            .ConfigureAwait(false)
            : null;
        var task = new GenerationTask(request, "chatcmpl", request.Stream is true ? "chat.completion.chunk" : "chat.completion",
            [template.Encode(guidance?.Conversation ?? conversation)], server,
            tokens => RequestOptions.Read(request, request.MaxCompletionTokens ?? request.MaxTokens, logProbabilities, constraint, tokens,
                sessions.Model, server),
            index => new ChatAnswer(index, tools is not null, logProbabilities is null ? null : sessions.Model.Tokenizer))
        {
            Conversation = name?.Unique,
            Keep = kept is null ? null : answer => kept.Add(asked.Where(message => message.Role != ChatRole.System), answer),
            Seat = seat,
            Asked = came,
            Question = conversation[^1].Text,
            Sources = guidance?.Sources,
        };
        await (guidance?.Answer is string answer ? generation.SayAsync(context, task, answer,
            cancellationToken) : generation.AnswerAsync(context, sessions, task, cancellationToken))
            .ConfigureAwait(false);
    }

    /// <summary>Throws <see cref="ApiException"/> where the model is not known to converse.</summary>
    public static ChatTemplate TemplateOf(MixtralModel model) =>
        model.ChatTemplate ?? throw ApiException.Invalid("This model's form of conversation is not known; use /v1/completions.", "model");

    private KeptConversation Open(ChatRequest request, ConversationName name, MixtralModel model)
    {
        if (request.N > 1) throw ApiException.Invalid("A conversation goes on with one answer: 'n' must be 1.", "n");
        if (request.Tools is { Count: > 0 }) throw ApiException.Invalid("'conversation' and 'tools' exclude each other.", "tools");
        if (name.Given.Length is 0 or > MostNameCharacters || name.Given.Contains('/'))
            throw ApiException.Invalid(
                $"A conversation's name must have between 1 and {MostNameCharacters} characters, none of them a slash.", "conversation");
        return conversations.Open(name, model);
    }
}
