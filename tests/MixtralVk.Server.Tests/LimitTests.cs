using System.Net;
using System.Net.Http.Headers;
using System.Text;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Server.Tests;

/// <summary>Who is let in, how much, and for how long. Each test has a server of its own.</summary>
public sealed class LimitTests
{
    private const string Short = """{"messages":[{"role":"user","content":"Hello"}],"max_tokens":2}""";

    private static readonly string s_stream = Short.Replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"", StringComparison.Ordinal);

    [Fact]
    public async Task Keys_are_asked_for()
    {
        using TemporaryFile keys = TemporaryFile.With("# staff\n first-key \n\nsecond-key\n"u8);
        ServerOptions options = RunningServer.Options();
        options.ApiKeyFile = keys.Path;
        await using RunningServer server = await RunningServer.StartAsync(options);
        foreach (string? wrong in new[] { null, "Bearer", "Bearer ", "Bearer wrong", "Bearer first-ke", "Bearer first-key2",
            "Basic first-key", "Bearer # staff" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
            if (wrong is not null) request.Headers.TryAddWithoutValidation("Authorization", wrong);
            HttpResponseMessage response = await server.Http.SendAsync(request);
            Assert.Equal("invalid_api_key", (await RunningServer.AssertError(401, response)).GetProperty("code").GetString());
            Assert.Equal("Bearer", response.Headers.WwwAuthenticate.Single().Scheme);
        }
        foreach (string right in new[] { "first-key", "second-key" })
        {
            server.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", right);
            Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("/v1/models")).StatusCode);
        }
    }

    [Fact]
    public void Others_are_served_only_with_keys()
    {
        ServerOptions options = RunningServer.Options();
        options.Host = "*";
        Assert.Contains("ApiKeyFile", Assert.Throws<ServerException>(() => MixtralServer.Create(options)).Message);
    }

    [Fact]
    public async Task A_body_that_is_too_long_is_refused()
    {
        ServerOptions options = RunningServer.Options();
        options.BodyBytes = 2000;
        // Else it sends what it asked for when the server is not quick to answer.
        var patient = new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) };
        await using RunningServer server = await RunningServer.StartAsync(options, patient);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent($$"""{"messages":[{"role":"user","content":"{{new string('a', 10_000_000)}}"}]}""", Encoding.UTF8, "application/json"),
            Headers = { ExpectContinue = true }, // asks before it sends
        };
        await RunningServer.AssertError(413, await server.Http.SendAsync(request));
        Assert.True((await server.PostAsync("/v1/chat/completions", Short)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_full_line_is_told_when_to_come_again()
    {
        ServerOptions options = RunningServer.Options();
        (options.Seats, options.QueueLimit) = (1, 1);
        await using RunningServer server = await RunningServer.StartAsync(options);
        server.Sessions.Model.Pause(); // the first answer does not end before the others are asked for
        Task<HttpResponseMessage> first = StreamAsync(server, CancellationToken.None);
        await server.UntilActive(1);
        Task<HttpResponseMessage> second = server.PostAsync("/v1/chat/completions", Short);
        while (server.Sessions.Queued == 0) await Task.Delay(5);
        HttpResponseMessage third = await server.PostAsync("/v1/chat/completions", Short);
        Assert.Equal("server_busy", (await RunningServer.AssertError(429, third)).GetProperty("code").GetString());
        Assert.InRange(third.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        server.Sessions.Model.Resume();
        Assert.EndsWith("data: [DONE]\n\n", await (await first).Content.ReadAsStringAsync());
        Assert.True((await second).IsSuccessStatusCode);
    }

    [Fact]
    public async Task Texts_to_be_embedded_wait_in_the_same_line()
    {
        const string text = """{"input":"a text"}""";
        ServerOptions options = RunningServer.Options();
        (options.Seats, options.QueueLimit) = (1, 1);
        await using RunningServer server = await RunningServer.StartAsync(options);
        Task<HttpResponseMessage> second;
        using (SessionPool.SessionLease seat = (await server.Sessions.RentAsync([1], null, null, CancellationToken.None))!)
        {
            second = server.PostAsync("/v1/embeddings", text);
            while (server.Sessions.Queued == 0) await Task.Delay(5);
            Assert.Equal("server_busy",
                (await RunningServer.AssertError(429, await server.PostAsync("/v1/embeddings", text))).GetProperty("code").GetString());
        }
        Assert.Equal(HttpStatusCode.OK, (await second).StatusCode);
        Assert.Equal(0, server.Sessions.Active);
    }

    [Fact]
    public async Task A_client_that_leaves_frees_its_seat()
    {
        ServerOptions options = RunningServer.Options();
        options.Seats = 1;
        await using RunningServer server = await RunningServer.StartAsync(options);
        server.Sessions.Model.Pause(); // the answer does not end by itself
        using var leaving = new CancellationTokenSource();
        Task<HttpResponseMessage> left = StreamAsync(server, leaving.Token);
        await server.UntilActive(1);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        await server.UntilActive(0);
        server.Sessions.Model.Resume();
        Assert.True((await server.PostAsync("/v1/chat/completions", Short)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task An_answer_that_takes_too_long_is_given_up()
    {
        ServerOptions options = RunningServer.Options();
        (options.Seats, options.RequestSeconds) = (1, 1);
        await using RunningServer server = await RunningServer.StartAsync(options);
        using SessionPool.SessionLease seat = (await server.Sessions.RentAsync([1], null, null, CancellationToken.None))!;
        Assert.Equal("timeout",
            (await RunningServer.AssertError(504, await server.PostAsync("/v1/chat/completions", Short))).GetProperty("code").GetString());
    }

    [Fact]
    public async Task Stopping_lets_a_running_answer_end()
    {
        ServerOptions options = RunningServer.Options();
        options.StopSeconds = 300; // on a busy machine, too
        RunningServer server = await RunningServer.StartAsync(options);
        using var client = new HttpClient { BaseAddress = server.Address };
        MixtralModel model = server.Sessions.Model;
        model.Pause(); // the answer does not end before the server is told to stop
        Task<HttpResponseMessage> running = StreamAsync(server, CancellationToken.None, client);
        await server.UntilActive(1);
        Task stopping = server.DisposeAsync().AsTask();
        model.Resume();
        Assert.EndsWith("data: [DONE]\n\n", await (await running).Content.ReadAsStringAsync());
        await stopping;
    }

    [Fact]
    public async Task A_conversation_is_forgotten_when_asked()
    {
        using TemporaryFile keys = TemporaryFile.With("ada-key\neve-key\n"u8);
        ServerOptions options = RunningServer.Options();
        options.ApiKeyFile = keys.Path;
        await using RunningServer server = await RunningServer.StartAsync(options);
        const string request = """{"messages":[{"role":"user","content":"Hello, I am Ada."}],"max_tokens":4,"prompt_cache_key":"ada"}""";
        As("ada-key");
        Assert.Equal(0, await Cached());
        Assert.True(await Cached() > 4);
        As("eve-key");
        await Forget(); // a conversation of hers, which is another one
        As("ada-key");
        Assert.True(await Cached() > 4);
        await Forget();
        Assert.Equal(0, await Cached());

        void As(string key) => server.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);

        async Task Forget() => Assert.Equal(HttpStatusCode.OK, (await server.Http.DeleteAsync("/v1/conversations/ada")).StatusCode);

        async Task<int> Cached() => (await RunningServer.JsonOf(await server.PostAsync("/v1/chat/completions", request)))
            .GetProperty("usage").GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32();
    }

    /// <summary>Begins a streamed answer and returns once its first bytes are there.</summary>
    private static async Task<HttpResponseMessage> StreamAsync(RunningServer server, CancellationToken cancellationToken,
        HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
            { Content = new StringContent(s_stream, Encoding.UTF8, "application/json") };
        HttpResponseMessage response =
            await (client ?? server.Http).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response;
    }
}
