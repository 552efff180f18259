using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using MixtralVk.Server.Kiosk;

namespace MixtralVk.Server.Tests;

/// <summary>A server with the shipped model on a free port of this machine.</summary>
public sealed class RunningServer : IAsyncDisposable
{
    public const string ModelId = "hearth-8x1m-q4_0";

    private readonly WebApplication _app;

    private RunningServer(WebApplication app, HttpMessageHandler handler)
    {
        _app = app;
        Address = new Uri(app.Urls.First());
        Http = new HttpClient(handler) { BaseAddress = Address, Timeout = TimeSpan.FromMinutes(10) }; // for busy machines
    }

    public Uri Address { get; }

    public HttpClient Http { get; }

    internal SessionPool Sessions => Service<ServedModel>().Sessions!;

    internal T Service<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    public static ServerOptions Options() => new()
    {
        ModelFile = Path.Combine(AppContext.BaseDirectory, "models", $"{ModelId}.gguf"),
        Device = DeviceKind.Cpu,
        Port = 0,
        Temperature = 0,
        AnswerTokens = 64,
    };

    /// <summary>Starts a server and waits until its model is loaded.</summary>
    public static async Task<RunningServer> StartAsync(ServerOptions options, HttpMessageHandler? handler = null)
    {
        WebApplication app = MixtralServer.Create(options);
        await app.StartAsync();
        var server = new RunningServer(app, handler ?? new SocketsHttpHandler());
        while (!(await server.Http.GetAsync("/health/ready")).IsSuccessStatusCode) await Task.Delay(20);
        return server;
    }

    /// <summary>The kiosk's passages, once they have their vectors.</summary>
    internal async Task<Shelf> ShelfWithVectors()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (Service<Knowledge>().Shelf.Vectors is null) await Task.Delay(20, patience.Token);
        return Service<Knowledge>().Shelf;
    }

    /// <summary>Waits until so many requests have a seat.</summary>
    internal async Task UntilActive(int requests)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (Sessions.Active != requests) await Task.Delay(5, patience.Token);
    }

    internal Task<float[]> EmbedAsync(string text) => Service<Embedder>().EmbedAsync(Sessions.Model, text, CancellationToken.None);

    public Task<HttpResponseMessage> PostAsync(string path, string json) =>
        PostAsync(path, new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json")));

    public Task<HttpResponseMessage> PostAsync(string path, HttpContent content) => Http.PostAsync(path, content);

    /// <summary>The JSON of an answer.</summary>
    public static async Task<JsonElement> JsonOf(HttpResponseMessage response)
    {
        await using Stream body = await response.Content.ReadAsStreamAsync();
        using JsonDocument document = await JsonDocument.ParseAsync(body);
        return document.RootElement.Clone();
    }

    /// <summary>Checks that a response is an error of OpenAI's form, and returns it.</summary>
    public static async Task<JsonElement> AssertError(int status, HttpResponseMessage response)
    {
        Assert.Equal(status, (int)response.StatusCode);
        JsonElement error = (await JsonOf(response)).GetProperty("error");
        Assert.Equal(["message", "type", "param", "code"], error.EnumerateObject().Select(property => property.Name));
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        return error;
    }

    /// <summary>Ends the server and frees its model.</summary>
    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>A server for the tests that only ask it something.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    public RunningServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await RunningServer.StartAsync(RunningServer.Options());

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

[CollectionDefinition(nameof(SharedServer))]
public sealed class SharedServerTests : ICollectionFixture<SharedServer>;
