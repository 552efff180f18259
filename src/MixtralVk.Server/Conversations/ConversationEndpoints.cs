using MixtralVk.Server.Json;
using MixtralVk.Server.Api;

namespace MixtralVk.Server.Conversations;

/// <summary>
/// What can be done with a conversation beside going on with it; its name is that of the requests, <c>conversation</c> or
/// <c>prompt_cache_key</c>.
/// </summary>
internal sealed class ConversationEndpoints(ConversationStore store, ServedModel model)
{
    /// <summary>GET /v1/conversations/ID: what was said.</summary>
    public Task ShowAsync(HttpContext context, CancellationToken cancellationToken)
    {
        ConversationName name = NameIn(context);
        IReadOnlyList<ChatMessage> said = store.Read(name)
            ?? throw new ApiException(StatusCodes.Status404NotFound, "invalid_request_error", "conversation_not_found", "conversation",
            "Nothing is kept of such a conversation.");
        var body = new ConversationResponse(name.Given, "conversation", [.. said.Select(message =>
            new AnswerMessage { Role = message.Role == ChatRole.User ? "user" : "assistant", Content = message.Text })]);
        return context.Response.WriteAsJsonAsync(body, ApiJson.Default.ConversationResponse, cancellationToken: cancellationToken);
    }

    /// <summary>DELETE /v1/conversations/ID: erases what is kept of it, and what is computed.</summary>
    public Task EraseAsync(HttpContext context, CancellationToken cancellationToken)
    {
        ConversationName name = NameIn(context);
        store.Erase(name);
        model.Sessions?.Forget(name.Unique);
        return context.Response.WriteAsJsonAsync(new ConversationErased(name.Given, "conversation.deleted", true),
            ApiJson.Default.ConversationErased, cancellationToken: cancellationToken);
    }

    private static ConversationName NameIn(HttpContext context) => ConversationName.Of(context, (string)context.Request.RouteValues["id"]!);
}
