using MixtralVk.Grammar;
using MixtralVk.Server.Json;
using MixtralVk.Server.Kiosk;
using MixtralVk.Tokenization;

namespace MixtralVk.Server.Api;

/// <summary>POST /v1/chat/completions.</summary>
internal sealed class ChatEndpoint(ServerOptions server, GenerationEndpoint generation, Constraints constraints, Guide guide)
{
    public async Task HandleAsync(HttpContext context, CancellationToken cancellationToken)
    {
        ChatRequest request = await Gate.ReadAsync(context, ApiJson.Default.ChatRequest, cancellationToken).ConfigureAwait(false);
        bool asksGuide = request.Model is not null && request.Model == guide.ModelId;
        SessionPool sessions = generation.Sessions(asksGuide ? null : request.Model);
        ChatTemplate template = TemplateOf(sessions.Model);
        Toolbox? tools = Toolbox.Of(request);
        Constraint? constraint = tools?.Constraint(constraints) ?? constraints.Of(request.ResponseFormat);
        if (request.TopLogprobs is not null && request.Logprobs is not true) throw ApiException.Invalid("'top_logprobs' needs 'logprobs'.", "top_logprobs");
        int? logProbabilities = request.Logprobs is true ? RequestOptions.LogProbabilities(request.TopLogprobs ?? 0, "top_logprobs") : null;

        IReadOnlyList<ChatMessage> conversation = Messages.ToConversation(request.Messages, tools?.Instructions ?? "");
        Guidance? guidance = asksGuide ? guide.For(conversation, request.Metadata?.GetValueOrDefault("language"), sessions.Model) : null;
        var task = new GenerationTask(request, "chatcmpl", request.Stream is true ? "chat.completion.chunk" : "chat.completion", [template.Encode(guidance?.Conversation ?? conversation)], server,
            tokens => RequestOptions.Read(request, request.MaxCompletionTokens ?? request.MaxTokens, logProbabilities, constraint, tokens, sessions.Model, server),
            index => new ChatAnswer(index, tools is not null, logProbabilities is null ? null : sessions.Model.Tokenizer))
        {
            Question = conversation[^1].Text,
            Sources = guidance?.Sources,
        };
        await (guidance?.Answer is string answer ? generation.SayAsync(context, task, answer, cancellationToken) : generation.AnswerAsync(context, sessions, task, cancellationToken))
            .ConfigureAwait(false);
    }

    /// <summary>Throws <see cref="ApiException"/> where the model is not known to converse.</summary>
    public static ChatTemplate TemplateOf(MixtralModel model) =>
        model.ChatTemplate ?? throw ApiException.Invalid("This model's form of conversation is not known; use /v1/completions.", "model");
}
