using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>What can be asked without generating: the models, and whether the server is well.</summary>
internal sealed class StateEndpoints(ServerOptions server, ServedModel model)
{
    /// <summary>GET /v1/models.</summary>
    public Task ListModelsAsync(HttpContext context, CancellationToken cancellationToken) =>
        context.Response.WriteAsJsonAsync(new ModelList("list", model.Sessions is { } sessions ? [Card(sessions)] : []), ApiJson.Default.ModelList, cancellationToken: cancellationToken);

    /// <summary>GET /v1/models/ID.</summary>
    public Task ShowModelAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (context.Request.RouteValues["id"] as string != server.ModelId)
            throw new ApiException(StatusCodes.Status404NotFound, "invalid_request_error", "model_not_found", "model", "There is no such model here.");
        SessionPool sessions = model.Sessions ?? throw ApiException.NotReady(model.Progress);
        return context.Response.WriteAsJsonAsync(Card(sessions), ApiJson.Default.ModelCard, cancellationToken: cancellationToken);
    }

    /// <summary>GET /health/live: the process answers.</summary>
    public static Task LiveAsync(HttpContext context) => context.Response.WriteAsJsonAsync(new HealthResponse("live"), ApiJson.Default.HealthResponse);

    /// <summary>GET /health and /health/ready: requests will be answered.</summary>
    public Task ReadyAsync(HttpContext context)
    {
        bool ready = model.Sessions is not null;
        context.Response.StatusCode = ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsJsonAsync(new HealthResponse(ready ? "ready" : "loading") { Progress = ready ? null : model.Progress }, ApiJson.Default.HealthResponse);
    }

    private ModelCard Card(SessionPool sessions) => new(server.ModelId, "model", model.Created, "mixtralvk") { ContextLength = sessions.Model.ContextLength };
}
