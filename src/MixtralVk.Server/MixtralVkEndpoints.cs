using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using MixtralVk.Server.Api;
using MixtralVk.Server.Conversations;
using MixtralVk.Server.Kiosk;
using OpenTelemetry.Metrics;

namespace MixtralVk.Server;

/// <summary>
/// The server inside another ASP.NET Core program:
/// <code>
/// builder.Services.AddMixtralVk(new ServerOptions { ModelFile = "model.gguf" });
/// app.MapMixtralVk();
/// </code>
/// Where that program listens, and with which certificate, is its own affair; without <see cref="ServerOptions.ApiKeyFile"/> only requests
/// to localhost are answered.
/// </summary>
public static class MixtralVkEndpoints
{
    /// <summary>
    /// Loads the model when the host starts and frees it when it ends. Throws <see cref="ServerException"/> for settings that cannot be
    /// used.
    /// </summary>
    public static IServiceCollection AddMixtralVk(this IServiceCollection services, ServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        services.AddOpenTelemetry().WithMetrics(metrics =>
        {
            metrics.AddMeter(ServerMetrics.MeterName, ServerMetrics.EngineMeterName).AddPrometheusExporter();
            if (options.OtlpEndpoint is { } address) metrics.AddOtlpExporter(exporter => exporter.Endpoint = address);
        });
        services.AddSingleton(options);
        services.AddSingleton(ApiKeys.Read(options.ApiKeyFile));
        services.TryAddSingleton<ServedModel>();
        services.AddHostedService(provider => provider.GetRequiredService<ServedModel>());
        services.AddSingleton<ServerMetrics>();
        services.AddSingleton<LoadHistory>();
        services.AddHostedService(provider => provider.GetRequiredService<LoadHistory>());
        if (options.ConversationFolder is { } folder) ConversationStore.Prepare(folder);
        services.AddSingleton<ConversationStore>();
        services.AddHostedService(provider => provider.GetRequiredService<ConversationStore>());
        services.AddSingleton<ConversationEndpoints>();
        KioskSettings? kiosk = options.KioskFile is null ? null : KioskSettings.Read(options.KioskFile);
        services.AddSingleton<Embedder>();
        services.AddSingleton(provider => new Knowledge(kiosk?.Texts, options.EmbeddingWeight, provider.GetRequiredService<Embedder>(),
            provider.GetRequiredService<ILogger<Knowledge>>()));
        services.AddHostedService(provider => provider.GetRequiredService<Knowledge>());
        services.AddSingleton(provider => new Guide(kiosk, provider.GetRequiredService<Knowledge>(), options));
        services.AddSingleton<KioskEndpoints>();
        services.AddSingleton<Constraints>();
        services.AddSingleton<ClientLimits>();
        services.AddSingleton<Gate>();
        services.AddSingleton<GenerationEndpoint>();
        services.AddSingleton<ChatEndpoint>();
        services.AddSingleton<CompletionEndpoint>();
        services.AddSingleton<EmbeddingEndpoint>();
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
        endpoints.MapPost("/v1/embeddings", gate.Guard(services.GetRequiredService<EmbeddingEndpoint>().HandleAsync));
        endpoints.MapPost("/tokenize", gate.Guard(services.GetRequiredService<TokenizeEndpoint>().HandleAsync));
        endpoints.MapGet("/v1/models", gate.Guard(state.ListModelsAsync));
        endpoints.MapGet("/v1/models/{id}", gate.Guard(state.ShowModelAsync));
        ConversationEndpoints conversations = services.GetRequiredService<ConversationEndpoints>();
        endpoints.MapGet("/v1/conversations/{id}", gate.Guard(conversations.ShowAsync));
        endpoints.MapDelete("/v1/conversations/{id}", gate.Guard(conversations.EraseAsync));
        endpoints.MapGet("/ops/state", gate.Guard(state.OperationAsync));
        RequestDelegate scrape = endpoints.CreateApplicationBuilder().UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build();
        endpoints.MapGet("/metrics", gate.Guard((context, _) => scrape(context)));
        // Pages hold nothing that is anybody's; what they show they ask for with the visitor's or operator's key.
        KioskEndpoints kiosk = services.GetRequiredService<KioskEndpoints>();
        endpoints.MapGet("/kiosk/settings", kiosk.SettingsAsync);
        endpoints.MapGet("/kiosk/logo", kiosk.LogoAsync);
        foreach ((string address, string file) in Pages.Addresses) endpoints.MapGet(address, context => Pages.SendAsync(context, file));
        // Asked by those who watch the machine, who need no key for it.
        endpoints.MapGet("/health/live", StateEndpoints.LiveAsync);
        endpoints.MapGet("/health/ready", state.ReadyAsync);
        endpoints.MapGet("/health", state.ReadyAsync);
        return endpoints;
    }
}
