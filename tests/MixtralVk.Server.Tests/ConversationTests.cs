using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Server.Tests;

/// <summary>Conversations that the server keeps, in a folder of the test's own.</summary>
public sealed class ConversationTests : IDisposable
{
    private const string Short = """{"conversation":"ada","messages":[{"role":"user","content":"Tell me."}],"stream":true,"max_tokens":8}""";

    private const string Long = """{"conversation":"ada","messages":[{"role":"user","content":"Tell me."}],"stream":true,"temperature":2,"seed":1,"max_tokens":400,"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"string","minLength":1000}}}}""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mixtralvk-conversations-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_conversation_goes_on_after_a_restart()
    {
        string first;
        await using (RunningServer server = await RunningServer.StartAsync(Options()))
        {
            JsonElement answer = await RunningServer.JsonOf(await AskAsync(server, "ada", "Hello, I am Ada."));
            first = answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
        }
        await using (RunningServer server = await RunningServer.StartAsync(Options()))
        {
            Assert.Equal(["user: Hello, I am Ada.", $"assistant: {first}"], (await SaidAsync(server, "ada"))!);
            JsonElement kept = await RunningServer.JsonOf(await AskAsync(server, "ada", "Who am I?"));
            // The model is asked what it is asked by a client that sends all of it.
            string whole = $$"""{"messages":[{"role":"user","content":"Hello, I am Ada."},{"role":"assistant","content":{{JsonSerializer.Serialize(first)}}},{"role":"user","content":"Who am I?"}],"max_tokens":8}""";
            JsonElement sent = await RunningServer.JsonOf(await server.PostAsync("/v1/chat/completions", whole));
            Assert.Equal(Of(sent, "prompt_tokens"), Of(kept, "prompt_tokens"));
            Assert.Equal(Text(sent), Text(kept));
            Assert.Equal(4, (await SaidAsync(server, "ada"))!.Length);
        }

        static int Of(JsonElement answer, string name) => answer.GetProperty("usage").GetProperty(name).GetInt32();
        static string? Text(JsonElement answer) =>
            answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
    }

    [Fact]
    public async Task A_conversation_is_its_own_clients_and_can_be_erased()
    {
        using TemporaryFile keys = TemporaryFile.With("ada-key\neve-key\n"u8);
        ServerOptions options = Options();
        options.ApiKeyFile = keys.Path;
        await using RunningServer server = await RunningServer.StartAsync(options);
        As("ada-key");
        await AskAsync(server, "ours", "My secret is seven.");
        As("eve-key");
        Assert.Null(await SaidAsync(server, "ours"));
        Assert.True((await server.Http.DeleteAsync("/v1/conversations/ours")).IsSuccessStatusCode); // hers, which is empty
        As("ada-key");
        Assert.Equal(2, (await SaidAsync(server, "ours"))!.Length);
        Assert.True((await RunningServer.JsonOf(await server.Http.DeleteAsync("/v1/conversations/ours")))
            .GetProperty("deleted").GetBoolean());
        Assert.Null(await SaidAsync(server, "ours"));
        Assert.Empty(_folder.GetFiles());

        void As(string key) => server.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    [Fact]
    public async Task A_conversation_longer_than_the_context_loses_its_beginning()
    {
        ServerOptions options = Options();
        (options.ContextLength, options.AnswerTokens) = (128, 8);
        await using RunningServer server = await RunningServer.StartAsync(options);
        for (int i = 0; i < 12; i++)
            Assert.Equal(HttpStatusCode.OK, (await AskAsync(server, "ada", $"Question {i}: how much is the helmet?")).StatusCode);
        string[] said = (await SaidAsync(server, "ada"))!;
        Assert.InRange(said.Length, 4, 22);
        Assert.StartsWith("user: Question 11", said[^2]);
        Assert.StartsWith($"user: Question {12 - (said.Length / 2)}", said[0]);
    }

    [Fact]
    public async Task One_answer_at_a_time_goes_on_with_a_conversation()
    {
        ServerOptions options = Options();
        await using RunningServer server = await RunningServer.StartAsync(options);
        server.Sessions.Model.Pause(); // the answer does not end before the next is asked for
        Task<HttpResponseMessage> running = StreamAsync(server, Short);
        await server.UntilActive(1);
        HttpResponseMessage second = await AskAsync(server, "ada", "Hello?");
        Assert.Equal("conversation_locked", (await RunningServer.AssertError(409, second)).GetProperty("code").GetString());
        server.Sessions.Model.Resume();
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(server, "eve", "Hello?")).StatusCode);
        Assert.EndsWith("data: [DONE]\n\n", await (await running).Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(server, "ada", "Hello?")).StatusCode);
        Assert.Equal(4, (await SaidAsync(server, "ada"))!.Length);
    }

    [Fact]
    public async Task What_is_erased_while_it_is_answered_is_not_kept()
    {
        ServerOptions options = Options();
        await using RunningServer server = await RunningServer.StartAsync(options);
        server.Sessions.Model.Pause(); // the answer does not end before the conversation is erased
        Task<HttpResponseMessage> running = StreamAsync(server, Short);
        await server.UntilActive(1);
        Assert.True((await server.Http.DeleteAsync("/v1/conversations/ada")).IsSuccessStatusCode);
        server.Sessions.Model.Resume();
        Assert.EndsWith("data: [DONE]\n\n", await (await running).Content.ReadAsStringAsync());
        Assert.Null(await SaidAsync(server, "ada"));
    }

    [Fact]
    public async Task A_server_that_stops_at_once_keeps_what_was_said_so_far()
    {
        ServerOptions options = Options();
        (options.AnswerTokens, options.StopSeconds) = (400, 0);
        RunningServer server = await RunningServer.StartAsync(options);
        using var client = new HttpClient { BaseAddress = server.Address };
        using HttpResponseMessage running = await PausedStreamAsync(server, client);
        await server.DisposeAsync();
        await using RunningServer again = await RunningServer.StartAsync(Options());
        string[] said = (await SaidAsync(again, "ada"))!;
        Assert.Equal("user: Tell me.", said[0]);
        Assert.InRange(said[1].Length, "assistant: ".Length + 1, 999);
    }

    [Fact]
    public async Task A_damaged_conversation_is_said_to_be_so_and_can_be_erased()
    {
        await using RunningServer server = await RunningServer.StartAsync(Options());
        await AskAsync(server, "ada", "Hello, I am Ada.");
        FileInfo file = Assert.Single(_folder.GetFiles());
        byte[] bytes = await File.ReadAllBytesAsync(file.FullName);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(file.FullName, bytes);
        foreach (HttpResponseMessage response in new[] { await AskAsync(server, "ada", "Hello?"),
            await server.Http.GetAsync("/v1/conversations/ada") })
            Assert.Equal("conversation_damaged", (await RunningServer.AssertError(500, response)).GetProperty("code").GetString());
        Assert.Equal(bytes, await File.ReadAllBytesAsync(file.FullName)); // nothing of it is lost for who can mend it
        await server.Http.DeleteAsync("/v1/conversations/ada");
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(server, "ada", "Hello?")).StatusCode);
    }

    [Fact]
    public async Task An_answer_that_cannot_be_kept_is_an_error_and_the_next_one_is_served()
    {
        await using RunningServer server = await RunningServer.StartAsync(Options());
        _folder.Delete();
        HttpResponseMessage lost = await AskAsync(server, "ada", "Hello?");
        Assert.Equal("conversation_not_kept", (await RunningServer.AssertError(507, lost)).GetProperty("code").GetString());
        _folder.Create();
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(server, "ada", "Hello?")).StatusCode);
        Assert.Equal(2, (await SaidAsync(server, "ada"))!.Length);
    }

    [Theory]
    [InlineData("""{"conversation":"","messages":[{"role":"user","content":"a"}]}""")]
    [InlineData("""{"conversation":"../../etc/passwd","messages":[{"role":"user","content":"a"}]}""")]
    [InlineData("""{"conversation":"a","n":2,"messages":[{"role":"user","content":"a"}]}""")]
    [InlineData("""{"conversation":"a","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"a"}]}""")]
    public async Task A_conversation_that_cannot_be_is_refused(string request)
    {
        await using RunningServer server = await RunningServer.StartAsync(Options());
        await RunningServer.AssertError(400, await server.PostAsync("/v1/chat/completions", request));
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public async Task Old_conversations_are_erased()
    {
        string old = Path.Combine(_folder.FullName, "old.save"), young = Path.Combine(_folder.FullName, "young.save");
        await File.WriteAllTextAsync(old, "");
        await File.WriteAllTextAsync(young, "");
        ServerOptions options = Options();
        options.ConversationHours = 2;
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-2.1));
        File.SetLastWriteTimeUtc(young, DateTime.UtcNow.AddHours(-1.9));
        await using RunningServer server = await RunningServer.StartAsync(options);
        while (File.Exists(old)) await Task.Delay(20);
        Assert.True(File.Exists(young));
    }

    [Fact]
    public async Task Without_a_folder_none_is_kept()
    {
        await using RunningServer server = await RunningServer.StartAsync(RunningServer.Options());
        await RunningServer.AssertError(400, await AskAsync(server, "ada", "Hello?"));
        Assert.Null(await SaidAsync(server, "ada"));
    }

    private ServerOptions Options()
    {
        ServerOptions options = RunningServer.Options();
        options.ConversationFolder = _folder.FullName;
        return options;
    }

    private static Task<HttpResponseMessage> AskAsync(RunningServer server, string conversation, string question) =>
        server.PostAsync("/v1/chat/completions", $$"""{"conversation":"{{conversation}}","messages":[{"role":"user","content":"{{question}}"}],"max_tokens":8}""");

    /// <summary>What is kept of a conversation; null where that is nothing.</summary>
    private static async Task<string[]?> SaidAsync(RunningServer server, string conversation)
    {
        HttpResponseMessage response = await server.Http.GetAsync($"/v1/conversations/{conversation}");
        if (response.StatusCode == HttpStatusCode.NotFound) return null;
        JsonElement messages = (await RunningServer.JsonOf(response)).GetProperty("messages");
        return [.. messages.EnumerateArray()
            .Select(message => $"{message.GetProperty("role").GetString()}: {message.GetProperty("content").GetString()}")];
    }

    /// <summary>Begins an answer in the conversation and returns once some of its text is there.</summary>
    private static async Task<HttpResponseMessage> StreamAsync(RunningServer server, string asked, HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
            { Content = new StringContent(asked, Encoding.UTF8, "application/json") };
        HttpResponseMessage response = await (client ?? server.Http).SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response;
    }

    /// <summary>
    /// The same with a long one, and pauses the model before the answer is over; one that was quicker is erased, and another begun.
    /// </summary>
    private static async Task<HttpResponseMessage> PausedStreamAsync(RunningServer server, HttpClient client)
    {
        while (true)
        {
            HttpResponseMessage running = await StreamAsync(server, Long, client);
            server.Sessions.Model.Pause();
            await Task.Delay(100); // until what the model was ahead has been sent
            if (server.Sessions.Active > 0) return running;
            server.Sessions.Model.Resume();
            running.Dispose();
            await server.Http.DeleteAsync("/v1/conversations/ada");
        }
    }
}
