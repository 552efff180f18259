using System.Text;
using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>A prompt and what to do with it, as both generating endpoints make it from their requests.</summary>
internal sealed record GenerationTask(GenerationRequest Request, string IdPrefix, string ObjectName, IReadOnlyList<int[]> Prompts, Func<int, GenerationOptions> OptionsOf)
{
    /// <summary>True where answers are messages, false where they are texts.</summary>
    public required bool IsChat { get; init; }
}

/// <summary>Generates the answers to a request, and sends them whole or as a stream of events.</summary>
internal sealed class GenerationEndpoint(ServerOptions server, ServedModel model, ServerMetrics metrics)
{
    /// <summary>The sessions, if the model is loaded and the request means it. Throws <see cref="ApiException"/>.</summary>
    public SessionPool Sessions(string? modelId)
    {
        if (modelId is not null && modelId != server.ModelId)
            throw new ApiException(StatusCodes.Status404NotFound, "invalid_request_error", "model_not_found", "model", $"There is no model '{modelId}' here, but '{server.ModelId}'.");
        return model.Sessions ?? throw ApiException.NotReady(model.Progress);
    }

    public async Task AnswerAsync(HttpContext context, SessionPool sessions, GenerationTask task, CancellationToken cancellationToken)
    {
        int choices = RequestOptions.Choices(task.Request, server);
        var frame = new GenerationResponse($"{task.IdPrefix}-{Guid.NewGuid():N}", task.ObjectName, DateTimeOffset.UtcNow.ToUnixTimeSeconds(), server.ModelId, []);
        bool streams = task.Request.Stream is true;
        var events = new EventStream(context.Response);
        var whole = new List<Choice>();
        int promptTokens = 0, cached = 0, generated = 0;
        for (int i = 0; i < task.Prompts.Count; i++)
        {
            int[] prompt = task.Prompts[i];
            using SessionPool.SessionLease lease = await sessions.RentAsync(prompt, task.Request.PromptCacheKey, cancellationToken).ConfigureAwait(false)
                ?? throw ApiException.Busy(sessions.SecondsToWait);
            var answers = new Answers(lease.Session, prompt, task.OptionsOf(prompt.Length), choices, metrics);
            var text = new StringBuilder();
            await foreach (AnswerPiece piece in answers.StreamAsync(cancellationToken).ConfigureAwait(false))
            {
                // A chat's answer begins with its first letter; a completion's with whatever follows the text.
                string added = task.IsChat && text.Length == 0 ? piece.Text.TrimStart(' ') : piece.Text;
                var choice = new Choice(i * choices + piece.Choice) { FinishReason = Reason(piece.End) };
                if (streams && (added.Length > 0 || piece.End is not null))
                    await events.SendAsync(frame with { Choices = [Part(task.IsChat, choice, text.Length == 0, added)] }, ApiJson.Default.GenerationResponse, cancellationToken).ConfigureAwait(false);
                text.Append(added);
                if (piece.End is null) continue;
                if (!streams) whole.Add(task.IsChat ? choice with { Message = new AnswerMessage { Role = "assistant", Content = text.ToString() } } : choice with { Text = text.ToString() });
                text.Clear();
            }
            (promptTokens, cached, generated) = (promptTokens + prompt.Length, cached + answers.CachedTokens, generated + answers.GeneratedTokens);
        }
        var usage = new Usage(promptTokens, generated, promptTokens + generated, new PromptDetails(cached));
        if (!streams)
        {
            await context.Response.WriteAsJsonAsync(frame with { Choices = whole, Usage = usage }, ApiJson.Default.GenerationResponse, cancellationToken: cancellationToken).ConfigureAwait(false);
            return;
        }
        if (task.Request.StreamOptions is { IncludeUsage: true })
            await events.SendAsync(frame with { Usage = usage }, ApiJson.Default.GenerationResponse, cancellationToken).ConfigureAwait(false);
        await events.EndAsync(cancellationToken).ConfigureAwait(false);
    }

    private static Choice Part(bool isChat, Choice choice, bool isFirst, string text) => isChat
        ? choice with { Delta = new AnswerMessage { Role = isFirst ? "assistant" : null, Content = text.Length > 0 ? text : null } }
        : choice with { Text = text };

    private static string? Reason(FinishReason? reason) => reason is null ? null : reason.Value switch
    {
        FinishReason.EndOfText or FinishReason.StopString => "stop",
        FinishReason.MaxTokens or FinishReason.ContextFull or FinishReason.Cancelled => "length",
    };
}
