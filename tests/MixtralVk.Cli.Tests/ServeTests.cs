using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class ServeTests
{
    [Fact]
    public async Task ServesTheShippedModelUntilInterrupted()
    {
        using Process process = CommandLine.StartInterruptible("serve", "--port", "0", "--device", "cpu");
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string address = await AddressOf(process);
        Task<string> error = process.StandardError.ReadToEndAsync();
        using var client = new HttpClient { BaseAddress = new Uri(address) };
        while (!(await client.GetAsync("/health/ready")).IsSuccessStatusCode) await Task.Delay(50);
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
    public async Task OthersAreNotServedWithoutKeys() => CommandLine.AssertFailed(await CommandLine.Run("serve", "--host", "*", "--port", "0"), "ApiKeyFile");

    [Fact]
    public async Task ArgumentsCountBeforeTheEnvironmentAndThatBeforeTheFile()
    {
        using var folder = new TemporaryFolder();
        string settings = folder.Write("settings.json", """{ "Port": 70001, "Seats": 0 }"""u8);
        // Each run fails on the first setting out of range that is in force.
        CommandLine.AssertFailed(await CommandLine.Run("", ["serve", "--settings", settings]), "Port");
        CommandLine.AssertFailed(await CommandLine.Run("", ["serve", "--settings", settings], ("MIXTRALVK_PORT", "0")), "Seats");
        CommandLine.AssertFailed(await CommandLine.Run("", ["serve", "--settings", settings, "--port", "70002"], ("MIXTRALVK_PORT", "0")), "Port");
        CommandLine.AssertFailed(await CommandLine.Run("", ["serve"], ("MIXTRALVK_SEAT", "1")), "SEAT");
        CommandLine.AssertFailed(await CommandLine.Run("", ["serve"], ("MIXTRALVK_SEATS", "few")), "Seats");
        CommandLine.AssertFailed(await CommandLine.Run("serve", "--settings", folder.PathOf("missing.json")), "missing.json");
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
