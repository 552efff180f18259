using System.Text;
using System.Text.Json;

namespace MixtralVk.Server.Tests;

/// <summary>The API as it goes over the wire.</summary>
[Collection(nameof(SharedServer))]
public sealed class ApiTests(SharedServer shared)
{
    private readonly RunningServer _server = shared.Server;

    [Fact]
    public async Task A_text_is_gone_on_with()
    {
        JsonElement one = await RunningServer.JsonOf(await _server.PostAsync("/v1/completions", """{"prompt":"I am afraid of","max_tokens":5}"""));
        Assert.Equal("text_completion", one.GetProperty("object").GetString());
        Assert.Equal(5, one.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        JsonElement two = await RunningServer.JsonOf(await _server.PostAsync("/v1/completions", """{"prompt":["I am afraid of","The mill is"],"max_tokens":5,"n":2}"""));
        JsonElement[] choices = [.. two.GetProperty("choices").EnumerateArray()];
        Assert.Equal([0, 1, 2, 3], choices.Select(choice => choice.GetProperty("index").GetInt32()));
        Assert.Equal(one.GetProperty("choices")[0].GetProperty("text").GetString(), choices[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task Tokens_serve_as_a_prompt_too()
    {
        JsonElement tokens = await RunningServer.JsonOf(await _server.PostAsync("/tokenize", """{"text":"I am afraid of"}"""));
        Assert.Equal(tokens.GetProperty("count").GetInt32(), tokens.GetProperty("tokens").GetArrayLength());
        Assert.Equal(512, tokens.GetProperty("context_length").GetInt32());
        JsonElement byTokens = await RunningServer.JsonOf(await _server.PostAsync("/v1/completions", $$"""{"prompt":{{tokens.GetProperty("tokens").GetRawText()}},"max_tokens":5}"""));
        JsonElement byText = await RunningServer.JsonOf(await _server.PostAsync("/v1/completions", """{"prompt":"I am afraid of","max_tokens":5}"""));
        Assert.Equal(byText.GetProperty("choices").GetRawText(), byTokens.GetProperty("choices").GetRawText());
    }

    [Fact]
    public async Task A_stream_is_server_sent_events_that_end_with_done()
    {
        HttpResponseMessage response = await _server.PostAsync("/v1/chat/completions", """
            {"messages":[{"role":"user","content":"Hello"}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":8,"n":2}
            """);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        string[] events = (await response.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.All(events, each => Assert.StartsWith("data: ", each));
        Assert.Equal("data: [DONE]", events[^1]);
        JsonElement[] chunks = [.. events[..^1].Select(each => JsonDocument.Parse(each[6..]).RootElement)];
        Assert.All(chunks, chunk => Assert.Equal("chat.completion.chunk", chunk.GetProperty("object").GetString()));
        Assert.Single(chunks.Select(chunk => chunk.GetProperty("id").GetString()).Distinct());
        Assert.Equal(0, chunks[^1].GetProperty("choices").GetArrayLength());
        Assert.True(chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32() > 0);
        foreach (int index in new[] { 0, 1 })
        {
            JsonElement[] choice = [.. chunks[..^1].Select(chunk => chunk.GetProperty("choices")[0])
                .Where(each => each.GetProperty("index").GetInt32() == index)];
            Assert.Equal("assistant", choice[0].GetProperty("delta").GetProperty("role").GetString());
            Assert.All(choice[..^1], each => Assert.Equal(JsonValueKind.Null, each.GetProperty("finish_reason").ValueKind));
            Assert.Contains(choice[^1].GetProperty("finish_reason").GetString(), new[] { "stop", "length" });
        }
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("null", null)]
    [InlineData("[]", null)]
    [InlineData("{", null)]
    [InlineData("{}", "messages")]
    [InlineData("""{"messages":[]}""", "messages")]
    [InlineData("""{"messages":"x"}""", "messages")]
    [InlineData("""{"messages":[null]}""", "messages[0].content")]
    [InlineData("""{"messages":[{"role":"user"}]}""", "messages[0].content")]
    [InlineData("""{"messages":[{"role":"king","content":"x"}]}""", "messages[0].role")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}""", "messages[0].content")]
    [InlineData("""{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}""", "messages")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"temperature":-1}""", "temperature")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"temperature":1e39}""", "temperature")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"top_p":0}""", "top_p")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"max_tokens":0}""", "max_tokens")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"max_tokens":"many"}""", "max_tokens")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"n":0}""", "n")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"n":1000000}""", "n")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"stop":[""]}""", "stop")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"stop":7}""", "stop")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"xml"}}""", "response_format.type")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema"}}""", "response_format.json_schema.schema")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"schema":{"not":{}}}}}""", "response_format")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"max_tokens":2,"response_format":{"type":"json_schema","json_schema":{"schema":{"const":"a long text that takes more"}}}}""", "response_format")]
    public async Task A_wrong_chat_is_refused_by_name(string body, string? parameter)
    {
        JsonElement error = await RunningServer.AssertError(400, await _server.PostAsync("/v1/chat/completions", body));
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        Assert.Equal(parameter, error.GetProperty("param").GetString());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"prompt":[]}""")]
    [InlineData("""{"prompt":[[]]}""")]
    [InlineData("""{"prompt":[1,"x"]}""")]
    [InlineData("""{"prompt":[-1]}""")]
    [InlineData("""{"prompt":[2048]}""")]
    [InlineData("""{"prompt":{}}""")]
    [InlineData("""{"prompt":"x","echo":true}""")]
    [InlineData("""{"prompt":"x","suffix":"y"}""")]
    public async Task A_wrong_completion_is_refused(string body) =>
        await RunningServer.AssertError(400, await _server.PostAsync("/v1/completions", body));

    [Theory]
    [InlineData("""{"input":[]}""")]
    [InlineData("""{"input":[5,2048]}""")]
    public async Task A_refused_text_for_vectors_is_named(string body) => Assert.Equal("input",
        (await RunningServer.AssertError(400, await _server.PostAsync("/v1/embeddings", body))).GetProperty("param").GetString());

    [Theory]
    [InlineData("")]
    [InlineData(""","response_format":{"type":"json_object"}""")]
    public async Task A_bias_that_leaves_no_token_is_the_clients_mistake(string more)
    {
        string biases = string.Join(',', Enumerable.Range(0, 2048).Select(token => $"\"{token}\":-100"));
        JsonElement error = await RunningServer.AssertError(400, await _server.PostAsync("/v1/chat/completions",
            $$"""{"messages":[{"role":"user","content":"x"}],"logit_bias":{ {{biases}} }{{more}}}"""));
        Assert.Equal("logit_bias", error.GetProperty("param").GetString());
    }

    [Fact]
    public async Task Only_json_is_read() =>
        await RunningServer.AssertError(415, await _server.PostAsync("/v1/chat/completions", new StringContent("""{"messages":[{"role":"user","content":"x"}]}""", Encoding.UTF8, "text/plain")));

    [Fact]
    public async Task Another_host_name_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Headers = { Host = "kiosk.example" } };
        await RunningServer.AssertError(403, await _server.Http.SendAsync(request));
    }

    [Fact]
    public async Task Health_is_told()
    {
        Assert.Equal("live", (await RunningServer.JsonOf(await _server.Http.GetAsync("/health/live"))).GetProperty("status").GetString());
        Assert.Equal("ready", (await RunningServer.JsonOf(await _server.Http.GetAsync("/health"))).GetProperty("status").GetString());
    }

    [Fact]
    public async Task An_unknown_address_or_method_is_refused()
    {
        await RunningServer.AssertError(404, await _server.Http.GetAsync("/v1/nothing"));
        JsonElement wrongMethod = await RunningServer.AssertError(405, await _server.Http.GetAsync("/v1/chat/completions"));
        Assert.Contains("POST", wrongMethod.GetProperty("message").GetString());
    }
}
