using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>POST /tokenize: the tokens of a text, or of a conversation as the model would read it.</summary>
internal sealed class TokenizeEndpoint(GenerationEndpoint generation)
{
    public async Task HandleAsync(HttpContext context, CancellationToken cancellationToken)
    {
        TokenizeRequest request = await Gate.ReadAsync(context, ApiJson.Default.TokenizeRequest, cancellationToken).ConfigureAwait(false);
        MixtralModel model = generation.Sessions(null).Model;
        if (request.Text is null == request.Messages is null) throw ApiException.Invalid("Either 'text' or 'messages' is needed.", "text");
        int[] tokens = request.Text is string text
            ? model.Tokenizer.Encode(text, request.AddSpecial ?? true)
            : ChatEndpoint.TemplateOf(model).Encode(Messages.ToConversation(request.Messages));
        await context.Response.WriteAsJsonAsync(new TokenizeResponse(tokens, tokens.Length, model.ContextLength),
            ApiJson.Default.TokenizeResponse, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
    }
}
