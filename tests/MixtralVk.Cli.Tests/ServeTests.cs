using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class ServeTests
{
    private const string Folder = "MIXTRALVK_CONVERSATIONFOLDER";

    private static readonly string[] s_serve = ["serve", "--port", "0", "--device", "cpu"];

    [Fact]
    public async Task ServesTheShippedModelUntilInterrupted()
    {
        using Process process = CommandLine.StartInterruptible("serve", "--port", "0", "--device", "cpu");
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        using HttpClient client = await ClientOf(process);
        Task<string> error = process.StandardError.ReadToEndAsync();
        HttpResponseMessage response = await client.PostAsJsonAsync("/v1/completions", new { prompt = "I am", max_tokens = 3 });
        JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(3, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        CommandLine.Interrupt(process);
        Outcome outcome = await CommandLine.Ended(process, output, error);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(outcome.Out);
    }

    [Fact]
    public async Task AModelThatCannotBeLoadedEndsIt() =>
        CommandLine.AssertFailed(await CommandLine.Run("serve", "no-such-model.gguf", "--port", "0"), "no-such-model.gguf");

    [Fact]
    public async Task AContextBeyondTheModelsIsRefused() =>
        CommandLine.AssertFailed(await CommandLine.Run("serve", "--context", "1000000000", "--port", "0", "--device", "cpu"), "1000000000");

    [Fact]
    public async Task AnAddressOfAnotherMachineIsNamed()
    {
        using var folder = new TemporaryFolder();
        string keys = folder.Write("keys", "secret"u8);
        // 192.0.2.1 is nobody's (RFC 5737).
        Outcome outcome = await CommandLine.Run("serve", "--host", "192.0.2.1", "--port", "0", "--api-key-file", keys, "--device", "cpu");
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("mixtralvk: The server cannot listen on 192.0.2.1", outcome.ErrorLines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task APortThatIsNoNumberIsAUsageError() =>
        CommandLine.AssertUsageError(await CommandLine.Run("serve", "--port", "http"), "--port must be a whole number");

    [Fact]
    public async Task OthersAreNotServedWithoutKeys() =>
        CommandLine.AssertFailed(await CommandLine.Run("serve", "--host", "*", "--port", "0"), "ApiKeyFile");

    [Fact]
    public async Task ArgumentsCountBeforeTheEnvironmentAndThatBeforeTheFile()
    {
        using var folder = new TemporaryFolder();
        string settings = folder.Write("settings.json", """{ "Port": 70001, "Seats": 0 }"""u8);
        // Each run fails on the first setting out of range that is in force.
        CommandLine.AssertFailed(await CommandLine.Run("", ["serve", "--settings", settings]), "Port");
        CommandLine.AssertFailed(await CommandLine.Run("", ["serve", "--settings", settings], ("MIXTRALVK_PORT", "0")), "Seats");
        CommandLine.AssertFailed(await CommandLine.Run("", ["serve", "--settings", settings, "--port", "70002"], ("MIXTRALVK_PORT", "0")),
            "Port");
        CommandLine.AssertFailed(await CommandLine.Run("", ["serve"], ("MIXTRALVK_SEAT", "1")), "SEAT");
        CommandLine.AssertFailed(await CommandLine.Run("", ["serve"], ("MIXTRALVK_SEATS", "few")), "Seats");
        CommandLine.AssertFailed(await CommandLine.Run("serve", "--settings", folder.PathOf("missing.json")), "missing.json");
    }

    [Fact]
    public async Task KilledUnderLoadItHasEveryConversationItAnswered()
    {
        using var folder = new TemporaryFolder();
        int[] answered = new int[4];
        for (int life = 0; life < 3; life++)
        {
            using Process process = CommandLine.Start(s_serve, (Folder, folder.Root));
            using HttpClient client = await ClientOf(process);
            foreach (int person in Enumerable.Range(0, answered.Length))
            {
                int[] numbers = await NumbersOf(client, person);
                Assert.Equal(Enumerable.Range(numbers.Length > 0 ? numbers[0] : 1, numbers.Length), numbers);
                // The answer on its way when the process was killed may be there or not.
                Assert.InRange(numbers.LastOrDefault(), answered[person], answered[person] + 1);
                answered[person] = numbers.LastOrDefault();
            }
            Assert.DoesNotContain(Directory.GetFiles(folder.Root), file => !file.EndsWith(".save", StringComparison.Ordinal));
            Task[] people = [.. Enumerable.Range(0, answered.Length).Select(AskUntilKilled)];
            while (answered.Any(count => count < 5 * (life + 1))) await Task.Delay(5);
            process.Kill();
            await Task.WhenAll(people);

            async Task AskUntilKilled(int person)
            {
                while (await TryAsk(client, $"person-{person}", $"Number {answered[person] + 1}") == HttpStatusCode.OK) answered[person]++;
            }
        }
    }

    [Fact]
    public async Task OnAFullDiskAConversationStaysAsItWas()
    {
        using var folder = new TemporaryFolder();
        using Process process = CommandLine.StartOnFullDisk(s_serve, (Folder, folder.Root));
        using HttpClient client = await ClientOf(process);
        try
        {
            Assert.Equal(HttpStatusCode.OK, await TryAsk(client, "person-0", "Number 1"));
            Assert.Equal(HttpStatusCode.InsufficientStorage,
                await TryAsk(client, "person-0", "Number 2" + string.Concat(Enumerable.Repeat(" bread", 180))));
            Assert.Equal(1, Assert.Single(await NumbersOf(client, 0)));
            Assert.Equal(HttpStatusCode.OK, await TryAsk(client, "person-0", "Number 2"));
            Assert.Equal(2, (await NumbersOf(client, 0)).Length);
            Assert.Single(Directory.GetFiles(folder.Root));
        }
        finally
        {
            process.Kill();
        }
    }

    /// <summary>Asks in a conversation; null where the server goes away meanwhile.</summary>
    private static async Task<HttpStatusCode?> TryAsk(HttpClient client, string conversation, string question)
    {
        try
        {
            var body = new { conversation, max_tokens = 2, messages = new[] { new { role = "user", content = question } } };
            return (await client.PostAsJsonAsync("/v1/chat/completions", body)).StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>The numbers that are said to be a person's questions.</summary>
    private static async Task<int[]> NumbersOf(HttpClient client, int person)
    {
        HttpResponseMessage response = await client.GetAsync($"/v1/conversations/person-{person}");
        if (response.StatusCode == HttpStatusCode.NotFound) return [];
        JsonElement messages = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("messages");
        return [.. messages.EnumerateArray().Where(message => message.GetProperty("role").GetString() == "user")
            .Select(message => int.Parse(message.GetProperty("content").GetString()!["Number ".Length..], CultureInfo.InvariantCulture))];
    }

    /// <summary>A client of the server once its model is loaded.</summary>
    private static async Task<HttpClient> ClientOf(Process process)
    {
        var client = new HttpClient { BaseAddress = new Uri(await AddressOf(process)) };
        while (!(await client.GetAsync("/health/ready")).IsSuccessStatusCode) await Task.Delay(50);
        return client;
    }

    /// <summary>The address the server says it listens on.</summary>
    private static async Task<string> AddressOf(Process process)
    {
        const string mark = "listening on: ";
        while (await process.StandardError.ReadLineAsync() is string line)
            if (line.IndexOf(mark, StringComparison.Ordinal) is >= 0 and int at) return line[(at + mark.Length)..].Trim();
        throw new InvalidOperationException("The server ended without saying where it listens.");
    }
}
