using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class GenerateTests
{
    private const string Prompt = "You are Mira, a cheerful baker from Oakvale. Who are you?";

    [Fact]
    public async Task WritesTheTextToStdoutAndTheDeviceToStderr()
    {
        Outcome outcome = await Generate("--temperature", "0");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("Mira", Assert.Single(outcome.OutLines));
        Assert.StartsWith("device: CPU", Assert.Single(outcome.ErrorLines));
    }

    [Fact]
    public async Task TheSameSeedGivesTheSameText()
    {
        string first = await Sampled("7"), again = await Sampled("7"), other = await Sampled("8");
        Assert.Equal(first, again);
        Assert.NotEqual(first, other);

        // Nothing is cut off the tail, so that even a sure model says something else.
        static async Task<string> Sampled(string seed) =>
            (await Generate(
                "--seed", seed, "--temperature", "3", "--top-k", "0", "--top-p", "1", "--min-p", "0", "--raw", "--max-tokens", "30")).Out;
    }

    [Fact]
    public async Task JsonTellsIdsTimingsAndWhyItEnded()
    {
        Outcome outcome = await Generate("--temperature", "0", "--json");
        Assert.Equal(0, outcome.ExitCode);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement root = json.RootElement, timings = root.GetProperty("timings");
        Assert.Contains("Mira", root.GetProperty("text").GetString());
        Assert.Equal("EndOfText", root.GetProperty("finishReason").GetString());
        Assert.Equal(2, root.GetProperty("ids").EnumerateArray().Last().GetInt32()); // </s>
        Assert.Equal(root.GetProperty("ids").GetArrayLength(), timings.GetProperty("generatedTokens").GetInt32());
        Assert.True(timings.GetProperty("tokensPerSecond").GetDouble() > 0);
        Assert.True(timings.GetProperty("loadSeconds").GetDouble() > 0);
        Assert.StartsWith("CPU", root.GetProperty("device").GetString());
    }

    [Fact]
    public async Task TokensAreChosenAsTheOptionsSay()
    {
        Outcome free = await Generate("--temperature", "0");
        Outcome banned = await Generate("--temperature", "0", "--ban", "mira", "--ban", "baker");
        Assert.DoesNotContain("Mira", banned.Out, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("baker", banned.Out, StringComparison.OrdinalIgnoreCase);
        Outcome stopped = await Generate("--temperature", "0", "--stop", "Mira");
        Assert.Equal(free.Out[..free.Out.IndexOf("Mira", StringComparison.Ordinal)], stopped.Out.TrimEnd('\n', '\r'));
        Outcome sampled = await Generate("--top-k", "0", "--typical", "0.9", "--dry", "0.8", "--xtc-probability", "0.5", "--mirostat", "4",
            "--min-tokens", "30", "--seed", "1", "--json");
        using JsonDocument json = JsonDocument.Parse(sampled.Out);
        Assert.True(json.RootElement.GetProperty("ids").GetArrayLength() >= 30);
        foreach ((string option, string value, string problem) in new[] { ("--top-p", "7", "--top-p must be"),
            ("--top-k", "x", "--top-k must be a whole number"), ("--ban", "", "--ban must be"),
            ("--min-tokens", "999", "--min-tokens must be"), ("--seed", "-1", "--seed must be a whole number of 0 or more") })
        {
            Outcome wrong = await Generate(option, value);
            Assert.Equal(2, wrong.ExitCode);
            Assert.Contains(problem, wrong.ErrorLines[0], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task MaxTokensEndsTheText()
    {
        Outcome outcome = await Generate("--temperature", "0", "--json", "--max-tokens", "3");
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        Assert.Equal("MaxTokens", json.RootElement.GetProperty("finishReason").GetString());
        Assert.Equal(3, json.RootElement.GetProperty("ids").GetArrayLength());
    }

    [Fact]
    public async Task RawGoesOnWithTheText()
    {
        string raw = (await Generate("--temperature", "0", "--raw", "--max-tokens", "8")).Out;
        string chat = (await Generate("--temperature", "0", "--chat", "--max-tokens", "8")).Out;
        Assert.NotEqual(chat, raw);
    }

    [Theory]
    [InlineData("--temperature", "-1")]
    [InlineData("--temperature", "NaN")]
    [InlineData("--temperature", "hot")]
    [InlineData("--max-tokens", "0")]
    [InlineData("--max-tokens", "-3")]
    [InlineData("--seed", "-1")]
    [InlineData("--context", "0")]
    public async Task AValueOutOfRangeIsAUsageError(string option, string value) =>
        CommandLine.AssertUsageError(await Generate(option, value), option);

    [Fact]
    public async Task RawAndChatExcludeEachOther() => CommandLine.AssertUsageError(await Generate("--raw", "--chat"), "--raw", "--chat");

    [Fact]
    public async Task APromptLongerThanTheContextIsRefused() =>
        CommandLine.AssertFailed(await CommandLine.Run(
            "generate", CommandLine.ShippedModel, "--device", "cpu", "--prompt", string.Join(' ', Enumerable.Repeat("mill", 600))), "512");

    [Fact]
    public async Task WithoutAVulkanDriverVulkanIsRefusedAndAutoTakesTheCpu()
    {
        // VK_ICD_FILENAMES for loaders older than VK_DRIVER_FILES.
        (string, string)[] noDriver = [("VK_DRIVER_FILES", "/nowhere.json"), ("VK_ICD_FILENAMES", "/nowhere.json")];
        string[] arguments = ["generate", CommandLine.ShippedModel, "--prompt", Prompt, "--max-tokens", "3"];
        CommandLine.AssertFailed(await CommandLine.Run("", [.. arguments, "--device", "vulkan"], noDriver), "Vulkan");
        Outcome auto = await CommandLine.Run("", [.. arguments, "--device", "auto"], noDriver);
        Assert.Equal(0, auto.ExitCode);
        Assert.StartsWith("device: CPU", Assert.Single(auto.ErrorLines));
    }

    [Theory]
    [InlineData("2>/dev/full")]
    [InlineData("2>&-")]
    public async Task AnErrorThatCannotBeToldIsAnExitCode(string redirection)
    {
        if (!File.Exists("/dev/full")) return; // Linux only
        Assert.Equal(1, (await CommandLine.Shell(redirection, "inspect", "/nowhere.gguf")).ExitCode);
        Assert.Equal(2, (await CommandLine.Shell(redirection, "inspect")).ExitCode);
    }

    [Fact]
    public async Task AFullDiskBehindStdoutIsAnError()
    {
        if (!File.Exists("/dev/full")) return; // Linux only
        Outcome outcome =
            await CommandLine.Shell(">/dev/full", "generate", CommandLine.ShippedModel, "--device", "cpu", "--prompt", Prompt);
        CommandLine.AssertFailed(outcome, "No space left");
    }

    private static Task<Outcome> Generate(params string[] options) =>
        CommandLine.Run(["generate", CommandLine.ShippedModel, "--prompt", Prompt, "--device", "cpu", .. options]);
}
