using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MixtralVk.Grammar;
using MixtralVk.Model;
using MixtralVk.Sampling;
using MixtralVk.Server.Json;
using MixtralVk.Tokenization;

namespace MixtralVk.Server.Api;

/// <summary>What every request of the API passes: who may ask, for how long, and how a refusal or a failure is told.</summary>
internal sealed partial class Gate(ServerOptions options, ApiKeys keys, ClientLimits limits, ServerMetrics metrics,
    IHostApplicationLifetime lifetime, ILogger<Gate> log)
{
    /// <summary>
    /// A handler behind the gate. Its token is cancelled when the client goes away, when the request has taken too long, and when the
    /// server ends without waiting any longer.
    /// </summary>
    public RequestDelegate Guard(Func<HttpContext, CancellationToken, Task> handle) => async context =>
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(TimeSpan.FromSeconds(options.RequestSeconds));
        using ServerMetrics.Request request = metrics.Begin(context);
        try
        {
            Admit(context);
            await handle(context, deadline.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ConnectionResetException
            || e is OperationCanceledException && (context.RequestAborted.IsCancellationRequested || !deadline.IsCancellationRequested))
        {
            // Nobody reads it, but the metrics do.
            if (!context.Response.HasStarted) context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            context.Abort(); // or Kestrel would wait for the rest of the request
        }
        catch (Exception e)
        {
            await RefuseAsync(context, Explain(e, deadline.Token)).ConfigureAwait(false);
        }
        Answered(request.Endpoint, context.Response.StatusCode, request.Milliseconds);
    };

    /// <summary>Reads a request's JSON. Throws <see cref="ApiException"/> for anything else.</summary>
    public static async Task<T> ReadAsync<T>(HttpContext context, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type,
        CancellationToken cancellationToken)
    {
        // Asking for this type keeps pages of other sites away: a browser then asks first whether they may send it, and is not answered.
        if (!context.Request.HasJsonContentType())
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, "invalid_request_error", null, null,
                "The request must have the content type application/json.");
        return await JsonSerializer.DeserializeAsync(context.Request.Body, type, cancellationToken).ConfigureAwait(false)
            ?? throw ApiException.Invalid("The request is null where an object is needed.");
    }

    /// <summary>Says of an address that there is nothing, or that it takes another method: no handler of this gate's has.</summary>
    public static Task ExplainStatusAsync(StatusCodeContext status)
    {
        HttpResponse response = status.HttpContext.Response;
        if (response.StatusCode is not (StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed)) return Task.CompletedTask;
        string message = response.StatusCode == StatusCodes.Status404NotFound
            ? "There is nothing at this address." : $"This address takes {response.Headers.Allow} only.";
        return response.WriteAsJsonAsync(BodyOf(new ApiException(response.StatusCode, "invalid_request_error", null, null, message)),
            ApiJson.Default.ErrorBody, cancellationToken: status.HttpContext.RequestAborted);
    }

    private void Admit(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = options.BodyBytes;
        // Without keys only this machine is served. A page of another site reaches it too, by a name that it made point here; its requests
        // carry that name.
        if (keys.AreNotNeeded && context.Request.Host.Host is var host && host != "localhost"
            && !(IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address)))
            throw new ApiException(StatusCodes.Status403Forbidden, "invalid_request_error", "host_not_allowed", null,
                "Without API keys the server answers to localhost only.");
        if (!keys.Admit(context.Request))
            throw new ApiException(StatusCodes.Status401Unauthorized, "invalid_request_error", "invalid_api_key", null,
                "The API key is missing or wrong: send 'Authorization: Bearer KEY'.");
        if (HttpMethods.IsPost(context.Request.Method)) limits.Count(context);
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            throw new ApiException(StatusCodes.Status503ServiceUnavailable, "server_error", "stopping", null, "The server is stopping.")
                { RetryAfter = 5 };
    }

    private ApiException Explain(Exception problem, CancellationToken deadline)
    {
        switch (problem)
        {
            case ApiException refusal: return refusal;
            case BadHttpRequestException e: return new ApiException(e.StatusCode, "invalid_request_error", null, null, e.Message);
            case JsonException e: return Explain(e);
            case GrammarException e: return ApiException.Invalid(e.Message, "response_format");
            case ChatTemplateException e: return ApiException.Invalid(e.Message, "messages");
            case NoTokenException e: return ApiException.Invalid(e.Message, "logit_bias");
            case ContextOverflowException e: return ApiException.Invalid(e.Message, code: "context_length_exceeded");
            case OperationCanceledException when deadline.IsCancellationRequested:
                return new ApiException(StatusCodes.Status504GatewayTimeout, "server_error", "timeout", null,
                    $"The request took longer than {options.RequestSeconds} s.");
            default:
                Failed(problem);
                return new ApiException(StatusCodes.Status500InternalServerError, "server_error", null, null,
                    "The server failed; its log says why.");
        }
    }

    private static ApiException Explain(JsonException e) =>
        e.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal)
        ? ApiException.Invalid($"'{path[2..]}' is not of the type it must have, or is not understood.", path[2..])
        : ApiException.Invalid(
        $"The request is not the JSON object it must be (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}).");

    private static async Task RefuseAsync(HttpContext context, ApiException refusal)
    {
        if (context.Response.HasStarted)
        {
            // A stream has its status already: the error is its last event.
            await new EventStream(context.Response).SendAsync(BodyOf(refusal), ApiJson.Default.ErrorBody, context.RequestAborted)
                .ConfigureAwait(false);
            return;
        }
        context.Response.StatusCode = refusal.Status;
        if (refusal.RetryAfter is int seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (refusal.Status == StatusCodes.Status401Unauthorized) context.Response.Headers.WWWAuthenticate = "Bearer";
        await context.Response.WriteAsJsonAsync(BodyOf(refusal), ApiJson.Default.ErrorBody, cancellationToken: context.RequestAborted)
            .ConfigureAwait(false);
    }

    private static ErrorBody BodyOf(ApiException refusal) =>
        new(new ErrorDetail(refusal.Message, refusal.Type, refusal.Parameter, refusal.Code));

    [LoggerMessage(Level = LogLevel.Information, Message = "{Endpoint} {Status} {Milliseconds} ms")]
    private partial void Answered(string endpoint, int status, long milliseconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "A request failed")]
    private partial void Failed(Exception problem);
}
