using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MixtralVk.Server.Tests;

/// <summary>Clients that are broken or mean: each gets the right status, and the next one is served.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    private const string Good = """{"messages":[{"role":"user","content":"Hello"}],"max_tokens":1,"temperature":0.5,"seed":3,"stop":["x"],"n":1,"tools":[{"type":"function","function":{"name":"f"}}]}""";

    private RunningServer _server = null!;

    public async Task InitializeAsync()
    {
        ServerOptions options = RunningServer.Options();
        options.AnswerTokens = 400;
        _server = await RunningServer.StartAsync(options);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Damaged_requests_are_refused_one_like_the_other()
    {
        var random = new Random(7);
        byte[] good = Encoding.UTF8.GetBytes(Good);
        var statuses = new HashSet<HttpStatusCode>();
        for (int i = 0; i < 1500; i++)
        {
            byte[] body = Damage(good, random);
            using var content = new ByteArrayContent(body);
            content.Headers.ContentType = new("application/json");
            using HttpResponseMessage response = await _server.PostAsync(i % 2 == 0 ? "/v1/chat/completions" : "/v1/completions", content);
            statuses.Add(response.StatusCode);
            if (response.StatusCode != HttpStatusCode.OK) await RunningServer.AssertError((int)response.StatusCode, response);
        }
        Assert.Subset(new HashSet<HttpStatusCode> { HttpStatusCode.OK, HttpStatusCode.BadRequest, HttpStatusCode.NotFound }, statuses);
        await AssertServes();
    }

    [Theory]
    [InlineData("completions", """{"prompt":"\ud800"}""")]
    [InlineData("embeddings", """{"input":["a","\udc00"]}""")]
    [InlineData("completions", """{"prompt":["a",{"b":1,"b":2}]}""")]
    [InlineData("chat/completions", """{MESSAGES,"response_format":{"type":"json_schema","json_schema":{"schema":{"enum":["ÿ"]}}}}""")]
    [InlineData("chat/completions", """{MESSAGES,"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"string","type":"string"}}}}""")]
    [InlineData("chat/completions", """{MESSAGES,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","type":"object"}}}]}""")]
    [InlineData("chat/completions", """{MESSAGES,"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"\ud800":{}}}}}]}""")]
    [InlineData("chat/completions", """{MESSAGES,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"\ud800"}""")]
    [InlineData("chat/completions", """{"messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"x","function":{"name":"f","arguments":"{\"a\":\"\\ud800\"}"}}]},{"role":"tool","tool_call_id":"x","content":"3"}]}""")]
    public async Task Text_that_is_none_is_refused(string path, string body)
    {
        // In Latin-1 the letter ÿ is a byte that is not UTF-8.
        using var content = new ByteArrayContent(Encoding.Latin1.GetBytes(body.Replace(
            "MESSAGES", "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]", StringComparison.Ordinal)));
        content.Headers.ContentType = new("application/json");
        await RunningServer.AssertError(400, await _server.PostAsync($"/v1/{path}", content));
    }

    [Theory]
    [InlineData("NONSENSE\r\n\r\n")]
    [InlineData("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n")]
    [InlineData("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    [InlineData("POST /v1/chat/completions HTTP/1.1\r\nHost: a b\r\n\r\n")]
    [InlineData("GET /v1/models/%00%ff HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    public async Task Damaged_http_is_refused(string request)
    {
        using Socket socket = await ConnectAsync();
        using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        socket.Shutdown(SocketShutdown.Send);
        string answer = await new StreamReader(stream, Encoding.Latin1).ReadToEndAsync();
        if (answer.Length > 0) Assert.StartsWith("HTTP/1.1 4", answer);
        await AssertServes();
    }

    [Fact]
    public async Task Clients_that_never_read_or_leave_in_the_middle_keep_no_seat()
    {
        var random = new Random(7);
        byte[] request = Encoding.UTF8.GetBytes(Request("""{"messages":[{"role":"user","content":"Hello"}],"stream":true,"temperature":2,"max_tokens":60}"""));
        var silent = new List<Socket>();
        try
        {
            for (int i = 0; i < 12; i++)
            {
                Socket socket = await ConnectAsync();
                silent.Add(socket);
                await socket.SendAsync(i % 3 == 2 ? request.AsMemory(0, request.Length / 2) : request);
                if (i % 2 == 0) continue;
                await Task.Delay(random.Next(50));
                socket.Close(0); // resets the connection
            }
            await AssertServes();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (_server.Sessions.Active + _server.Sessions.Queued > 0) await Task.Delay(20, patience.Token);
        }
        finally
        {
            foreach (Socket socket in silent) socket.Dispose();
        }
    }

    [Fact]
    public async Task Many_clients_share_the_seats_and_none_is_left_out()
    {
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(async i =>
        {
            HttpResponseMessage response = await _server.PostAsync("/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"Hello {{i % 3}}"}],"stream":{{(i % 2 == 0 ? "true" : "false")}},"max_tokens":6}""");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return await response.Content.ReadAsStringAsync();
        }));
        Assert.All(answers, answer => Assert.Contains("\"finish_reason\":\"", answer));
        Assert.Equal(0, _server.Sessions.Active);
    }

    private async Task AssertServes()
    {
        using HttpResponseMessage response = await _server.PostAsync("/v1/chat/completions", Good);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _server.Address.Port);
        return socket;
    }

    private static string Request(string body) =>
        $"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";

    /// <summary>Bytes changed, taken away or doubled, or a value replaced by one of another kind.</summary>
    private static byte[] Damage(byte[] good, Random random)
    {
        if (random.Next(3) == 0)
        {
            string[] values =
                ["null", "-1", "1e999", "\"\\ud800\"", "[]", "{}", "[[[[[[", "true", "\"\\u0000\"", "9007199254740993", "0.1"];
            string text = Encoding.UTF8.GetString(good);
            int at = text.IndexOf(':', random.Next(text.Length / 2));
            return Encoding.UTF8.GetBytes(text[..(at + 1)] + values[random.Next(values.Length)]
                + text[Math.Min(text.Length, at + 1 + random.Next(12))..]);
        }
        var bytes = new List<byte>(good);
        for (int change = random.Next(1, 6); change > 0; change--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(3))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.RemoveAt(at); break;
                default: bytes.InsertRange(at, good[..random.Next(20)]); break;
            }
        }
        return [.. bytes];
    }
}
