using MixtralVk.Server.Json;
using MixtralVk.Server.Kiosk;

namespace MixtralVk.Server.Api;

/// <summary>What can be asked without generating: the models, and whether the server is well.</summary>
internal sealed class StateEndpoints(ServerOptions server, ServedModel model, Guide guide, LoadHistory history)
{
    /// <summary>GET /v1/models.</summary>
    public Task ListModelsAsync(HttpContext context, CancellationToken cancellationToken) =>
        context.Response.WriteAsJsonAsync(new ModelList("list", model.Sessions is { } sessions
            ? [.. Ids.Select(id => Card(id, sessions))] : []), ApiJson.Default.ModelList, cancellationToken: cancellationToken);

    /// <summary>GET /v1/models/ID.</summary>
    public Task ShowModelAsync(HttpContext context, CancellationToken cancellationToken)
    {
        string id = (string)context.Request.RouteValues["id"]!;
        if (!Ids.Contains(id))
            throw new ApiException(StatusCodes.Status404NotFound, "invalid_request_error", "model_not_found", "model",
                "There is no such model here.");
        SessionPool sessions = model.Sessions ?? throw ApiException.NotReady(model.Progress);
        return context.Response.WriteAsJsonAsync(Card(id, sessions), ApiJson.Default.ModelCard, cancellationToken: cancellationToken);
    }

    /// <summary>GET /health/live: the process answers.</summary>
    public static Task LiveAsync(HttpContext context) =>
        context.Response.WriteAsJsonAsync(new HealthResponse("live"), ApiJson.Default.HealthResponse);

    /// <summary>GET /health and /health/ready: requests will be answered.</summary>
    public Task ReadyAsync(HttpContext context)
    {
        bool ready = model.Sessions is not null;
        context.Response.StatusCode = ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsJsonAsync(
            new HealthResponse(ready ? "ready" : "loading") { Progress = ready ? null : model.Progress }, ApiJson.Default.HealthResponse);
    }

    /// <summary>GET /ops/state: what the operator's page shows.</summary>
    public Task OperationAsync(HttpContext context, CancellationToken cancellationToken) =>
        context.Response.WriteAsJsonAsync(history.State, ApiJson.Default.OperationState, cancellationToken: cancellationToken);

    private IEnumerable<string> Ids => guide.ModelId is string id ? [server.ModelId, id] : [server.ModelId];

    private ModelCard Card(string id, SessionPool sessions) =>
        new(id, "model", model.Created, "mixtralvk") { ContextLength = sessions.Model.ContextLength };
}
