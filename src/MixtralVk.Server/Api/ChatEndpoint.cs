using MixtralVk.Grammar;
using MixtralVk.Server.Json;
using MixtralVk.Tokenization;

namespace MixtralVk.Server.Api;

/// <summary>POST /v1/chat/completions.</summary>
internal sealed class ChatEndpoint(ServerOptions server, GenerationEndpoint generation, Constraints constraints)
{
    public async Task HandleAsync(HttpContext context, CancellationToken cancellationToken)
    {
        ChatRequest request = await Gate.ReadAsync(context, ApiJson.Default.ChatRequest, cancellationToken).ConfigureAwait(false);
        SessionPool sessions = generation.Sessions(request.Model);
        int[] prompt = TemplateOf(sessions.Model).Encode(Messages.ToConversation(request.Messages));
        Constraint? constraint = constraints.Of(request.ResponseFormat);
        int? maxTokens = request.MaxCompletionTokens ?? request.MaxTokens;
        var task = new GenerationTask(request, "chatcmpl", request.Stream is true ? "chat.completion.chunk" : "chat.completion", [prompt],
            tokens => RequestOptions.Read(request, maxTokens, constraint, tokens, sessions.Model.ContextLength, server)) { IsChat = true };
        await generation.AnswerAsync(context, sessions, task, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Throws <see cref="ApiException"/> where the model is not known to converse.</summary>
    public static ChatTemplate TemplateOf(MixtralModel model) =>
        model.ChatTemplate ?? throw ApiException.Invalid("This model's form of conversation is not known; use /v1/completions.", "model");
}
