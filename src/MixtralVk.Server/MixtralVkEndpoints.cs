using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MixtralVk.Server.Api;

namespace MixtralVk.Server;

/// <summary>
/// The server inside another ASP.NET Core program:
/// <code>
/// builder.Services.AddMixtralVk(new ServerOptions { ModelFile = "model.gguf" });
/// app.MapMixtralVk();
/// </code>
/// Where that program listens, and with which certificate, is its own affair; without <see cref="ServerOptions.ApiKeyFile"/> only requests to localhost are answered.
/// </summary>
public static class MixtralVkEndpoints
{
    /// <summary>Loads the model when the host starts and frees it when it ends. Throws <see cref="ServerException"/> for settings that cannot be used.</summary>
    public static IServiceCollection AddMixtralVk(this IServiceCollection services, ServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        services.AddMetrics();
        services.AddSingleton(options);
        services.AddSingleton(ApiKeys.Read(options.ApiKeyFile));
        services.TryAddSingleton<ServedModel>();
        services.AddHostedService(provider => provider.GetRequiredService<ServedModel>());
        services.AddSingleton<ServerMetrics>();
        services.AddSingleton<Constraints>();
        services.AddSingleton<Gate>();
        services.AddSingleton<GenerationEndpoint>();
        services.AddSingleton<ChatEndpoint>();
        services.AddSingleton<CompletionEndpoint>();
        services.AddSingleton<TokenizeEndpoint>();
        services.AddSingleton<StateEndpoints>();
        return services;
    }

    /// <summary>Maps every address of the server; <see cref="AddMixtralVk"/> must have been called.</summary>
    public static IEndpointRouteBuilder MapMixtralVk(this IEndpointRouteBuilder endpoints)
    {
        IServiceProvider services = endpoints.ServiceProvider;
        Gate gate = services.GetRequiredService<Gate>();
        StateEndpoints state = services.GetRequiredService<StateEndpoints>();
        endpoints.MapPost("/v1/chat/completions", gate.Guard(services.GetRequiredService<ChatEndpoint>().HandleAsync));
        endpoints.MapPost("/v1/completions", gate.Guard(services.GetRequiredService<CompletionEndpoint>().HandleAsync));
        endpoints.MapPost("/tokenize", gate.Guard(services.GetRequiredService<TokenizeEndpoint>().HandleAsync));
        endpoints.MapGet("/v1/models", gate.Guard(state.ListModelsAsync));
        endpoints.MapGet("/v1/models/{id}", gate.Guard(state.ShowModelAsync));
        // Asked by those who watch the machine, who need no key for it.
        endpoints.MapGet("/health/live", StateEndpoints.LiveAsync);
        endpoints.MapGet("/health/ready", state.ReadyAsync);
        endpoints.MapGet("/health", state.ReadyAsync);
        return endpoints;
    }
}
