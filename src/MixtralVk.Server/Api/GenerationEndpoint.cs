using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>Prompts and what to do with them, as both generating endpoints make it from their requests.</summary>
/// <param name="Request">The fields both have.</param>
/// <param name="IdPrefix">What the answer's id begins with.</param>
/// <param name="ObjectName">OpenAI's name for the answer's kind.</param>
/// <param name="Prompts">The prompts' tokens.</param>
/// <param name="Server">Its limits.</param>
/// <param name="OptionsOf">How to generate after a prompt of so many tokens.</param>
/// <param name="Begin">Begins to write the answer with this index.</param>
internal sealed record GenerationTask(
    GenerationRequest Request, string IdPrefix, string ObjectName, IReadOnlyList<int[]> Prompts, ServerOptions Server,
    Func<int, GenerationOptions> OptionsOf, Func<int, AnswerWriter> Begin)
{
    /// <summary>Passages the model is given.</summary>
    public IReadOnlyList<Source>? Sources { get; init; }

    /// <summary>The seat that the request may have already; null for none.</summary>
    public Seat? Seat { get; init; }

    /// <summary>When the request came, a timestamp.</summary>
    public long Asked { get; init; } = Stopwatch.GetTimestamp();

    /// <summary>How many answers each prompt gets.</summary>
    public int Choices { get; } = RequestOptions.Choices(Request, Server);

    /// <summary>A name of the conversation, by which it can be forgotten; null for none.</summary>
    public string? Conversation { get; init; }

    /// <summary>Keeps an answer's text in the conversation; null where none is kept.</summary>
    public Action<string>? Keep { get; init; }

    /// <summary>What was asked, for the log of servers that keep it; null for none.</summary>
    public string? Question { get; init; }

    public int PromptTokens { get; set; }

    public int CachedTokens { get; set; }

    public int GeneratedTokens { get; set; }
}

/// <summary>Generates the answers to a request, and sends them whole or as a stream of events.</summary>
internal sealed partial class GenerationEndpoint(ServerOptions server, ServedModel model, ServerMetrics metrics,
    ILogger<GenerationEndpoint> log)
{
    /// <summary>The sessions, if the model is loaded and the request means it. Throws <see cref="ApiException"/>.</summary>
    public SessionPool Sessions(string? modelId)
    {
        if (modelId is not null && modelId != server.ModelId)
            throw new ApiException(StatusCodes.Status404NotFound, "invalid_request_error", "model_not_found", "model",
                $"There is no model '{modelId}' here, but '{server.ModelId}'.");
        return model.Sessions ?? throw ApiException.NotReady(model.Progress);
    }

    /// <summary>Answers with the model.</summary>
    public Task AnswerAsync(HttpContext context, SessionPool sessions, GenerationTask task, CancellationToken cancellationToken) =>
        SendAsync(context, task, GenerateAsync(sessions, task, cancellationToken), cancellationToken);

    /// <summary>Answers with a text, without the model.</summary>
    public Task SayAsync(HttpContext context, GenerationTask task, string text, CancellationToken cancellationToken) =>
        SendAsync(context, task, new AnswerPiece[] { new(0, new GeneratedToken(-1, text), null),
            new(0, new GeneratedToken(-1, ""), FinishReason.EndOfText) }.ToAsyncEnumerable(), cancellationToken);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Question} -> {Answer}")]
    private partial void Said(string question, string? answer);

    private async IAsyncEnumerable<AnswerPiece> GenerateAsync(SessionPool sessions, GenerationTask task,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (int i = 0; i < task.Prompts.Count; i++)
        {
            int[] prompt = task.Prompts[i];
            GenerationOptions options = task.OptionsOf(prompt.Length);
            long asked = i == 0 ? task.Asked : Stopwatch.GetTimestamp();
            using SessionPool.SessionLease lease =
                await sessions.RentAsync(prompt, task.Conversation, task.Seat?.Leave(), cancellationToken).ConfigureAwait(false)
                ?? throw ApiException.Busy(sessions.SecondsToWait);
            var answers = new Answers(lease.Session, prompt, options, task.Choices, asked, metrics);
            await foreach (AnswerPiece piece in answers.StreamAsync(cancellationToken).ConfigureAwait(false))
                yield return piece with { Choice = i * task.Choices + piece.Choice };
            task.PromptTokens += prompt.Length;
            task.CachedTokens += answers.CachedTokens;
            task.GeneratedTokens += answers.GeneratedTokens;
        }
    }

    private async Task SendAsync(HttpContext context, GenerationTask task, IAsyncEnumerable<AnswerPiece> pieces,
        CancellationToken cancellationToken)
    {
        var frame = new GenerationResponse($"{task.IdPrefix}-{Guid.NewGuid():N}", task.ObjectName,
            DateTimeOffset.UtcNow.ToUnixTimeSeconds(), task.Request.Model ?? server.ModelId, []);
        bool streams = task.Request.Stream is true;
        var events = new EventStream(context.Response);
        var whole = new List<Choice>();
        IReadOnlyList<Source>? sources = task.Sources;
        AnswerWriter? answer = null;
        try
        {
            await foreach (AnswerPiece piece in pieces.ConfigureAwait(false))
            {
                answer ??= task.Begin(piece.Choice);
                Choice? added = answer.Next(piece);
                if (piece.End is not null)
                {
                    whole.Add(answer.Whole());
                    string text = answer.Text;
                    answer = null;
                    task.Keep?.Invoke(text); // who hears that an answer has ended may rely on its being kept
                    if (server.LogText && task.Question is not null) Said(task.Question, text);
                }
                if (streams && added is not null)
                {
                    await events.SendAsync(frame with { Choices = [added], Sources = sources }, ApiJson.Default.GenerationResponse,
                        cancellationToken).ConfigureAwait(false);
                    sources = null;
                }
            }
        }
        catch when (streams && answer is { Text.Length: > 0 })
        {
            task.Keep?.Invoke(answer.Text); // cut off, but read up to here
            throw;
        }
        var usage = new Usage(task.PromptTokens, task.GeneratedTokens, task.PromptTokens + task.GeneratedTokens,
            new PromptDetails(task.CachedTokens));
        if (!streams)
        {
            await context.Response.WriteAsJsonAsync(frame with { Choices = whole, Usage = usage, Sources = sources },
                ApiJson.Default.GenerationResponse, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            return;
        }
        if (task.Request.StreamOptions is { IncludeUsage: true })
            await events.SendAsync(frame with { Usage = usage }, ApiJson.Default.GenerationResponse, cancellationToken)
                .ConfigureAwait(false);
        await events.EndAsync(cancellationToken).ConfigureAwait(false);
    }
}
