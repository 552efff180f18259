using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class BenchTests
{
    [Fact]
    public async Task JsonHasEveryMeasurement()
    {
        Outcome outcome = await Bench("--json", "--repeat", "3");
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("device: CPU", Assert.Single(outcome.ErrorLines));
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement root = json.RootElement;
        foreach (string name in new[] { "prefillTokensPerSecond", "decodeTokensPerSecond", "firstTokenSeconds",
            "prefillCpuSecondsPerToken", "decodeCpuSecondsPerToken" })
        {
            JsonElement spread = root.GetProperty(name);
            double min = spread.GetProperty("min").GetDouble(), median = spread.GetProperty("median").GetDouble(),
                max = spread.GetProperty("max").GetDouble();
            Assert.True(0 < min && min <= median && median <= max, name);
        }
        // What is read per token times tokens per second, in 10^9 bytes.
        double expected = root.GetProperty("weightBytesPerToken").GetInt64()
            * root.GetProperty("decodeTokensPerSecond").GetProperty("median").GetDouble() / 1e9;
        Assert.Equal(expected, root.GetProperty("weightGBPerSecond").GetDouble(), 1e-9);
        Assert.InRange(root.GetProperty("peakMemoryBytes").GetInt64(), root.GetProperty("weightBytesPerToken").GetInt64(), 1L << 40);
    }

    [Fact]
    public async Task ContextsAndBatchesAreMeasuredWhereAskedFor()
    {
        Outcome outcome = await Bench("--json", "--repeat", "1", "--context", "32,300", "--batch", "1,3");
        Assert.Equal(0, outcome.ExitCode);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement[] contexts = [.. json.RootElement.GetProperty("contexts").EnumerateArray()],
            batches = [.. json.RootElement.GetProperty("batches").EnumerateArray()];
        Assert.Equal([32, 300], contexts.Select(c => c.GetProperty("contextTokens").GetInt32()));
        Assert.Equal([1, 3], batches.Select(b => b.GetProperty("sequences").GetInt32()));
        Assert.All([.. contexts, .. batches], r => Assert.True(r.GetProperty("decodeTokensPerSecond").GetProperty("min").GetDouble() > 0));
        // A longer context reads more keys and values, the weights stay.
        long weights = json.RootElement.GetProperty("weightBytesPerToken").GetInt64(),
            first = contexts[0].GetProperty("bytesPerToken").GetInt64() - weights;
        Assert.True(first > 0);
        Assert.Equal(first * (300 + 2) / (32 + 2), contexts[1].GetProperty("bytesPerToken").GetInt64() - weights);
    }

    [Fact]
    public async Task FramesAreMeasuredWhereAskedForAndWithoutALimit()
    {
        Outcome outcome = await Bench("--json", "--repeat", "1", "--frames", "1,20");
        Assert.Equal(0, outcome.ExitCode);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement[] frames = [.. json.RootElement.GetProperty("frames").EnumerateArray()];
        Assert.Equal(["1", "20", "null"], frames.Select(f => f.GetProperty("budgetMilliseconds").GetRawText()));
        foreach (JsonElement f in frames)
        {
            Assert.True(f.GetProperty("decodeTokensPerSecond").GetProperty("median").GetDouble() > 0);
            Assert.InRange(f.GetProperty("framesPerToken").GetProperty("median").GetDouble(), 0, 1000);
        }
    }

    [Fact]
    public async Task FramesAsTextFitAConsole()
    {
        Outcome outcome = await Bench("--repeat", "1", "--frames", "1,20");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains(outcome.OutLines,
            line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["granted", "1", "ms", "20", "ms", "all"]);
        foreach (string figure in new[] { "frames per token", "prompts, tokens/s", "of plain", "device, p95 of frames",
            "longest submission, ms", "tick, ms, p99" })
            Assert.InRange(Assert.Single(outcome.OutLines, line => line.TrimStart().StartsWith(figure, StringComparison.Ordinal)).Length,
            40, 80);
    }

    [Fact]
    public async Task OnVulkanTheCommandsOfATokenAreCounted()
    {
        Outcome outcome = await CommandLine.Run(["bench", CommandLine.ShippedModel, "--device", "vulkan", "--prompt-tokens", "4",
            "--gen-tokens", "2", "--repeat", "1", "--json"]);
        Assert.Equal(0, outcome.ExitCode);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        Assert.Equal(1, json.RootElement.GetProperty("submissionsPerToken").GetInt32());
        Assert.InRange(json.RootElement.GetProperty("barriersPerToken").GetInt32(), 10,
            json.RootElement.GetProperty("dispatchesPerToken").GetInt32());
    }

    [Fact]
    public async Task ExpertsOnAGpuNeedOne() =>
        CommandLine.AssertFailed(await CommandLine.Run(["bench", CommandLine.ShippedModel, "--device", "cpu", "--experts-on-gpu", "25%"]),
            "--experts-on-gpu", "--device cpu");

    [Fact]
    public async Task WhereNoGpuIsTakenExpertsForOneAreSaidToBeOfNoEffect()
    {
        Outcome outcome = await CommandLine.Run("",
            ["bench", CommandLine.ShippedModel, "--experts-on-gpu", "25%", "--prompt-tokens", "2", "--gen-tokens", "2", "--repeat", "1"],
            [("VK_DRIVER_FILES", "/nowhere.json"), ("VK_ICD_FILENAMES", "/nowhere.json")]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("--experts-on-gpu has no effect: no GPU computes here.", outcome.ErrorLines);
    }

    /// <summary>A software driver computes on the processor: it is passed over, and named.</summary>
    [Fact]
    public async Task AutomaticallyTheCpuIsTakenBeforeASoftwareDriver()
    {
        Outcome outcome =
            await CommandLine.Run(["bench", CommandLine.ShippedModel, "--prompt-tokens", "4", "--gen-tokens", "2", "--repeat", "1"]);
        Assert.Matches("^device: (CPU, [0-9]+ threads; llvmpipe.* is left out, a driver that computes on this processor, too, and slower|.*Vulkan.*)$", Assert.Single(outcome.ErrorLines));
    }

    [Fact]
    public async Task MoreSequencesThanAStepTakesAreRefused() => CommandLine.AssertFailed(await Bench("--batch", "1,30"), "30");

    [Theory]
    [InlineData("--context", "300,32")]
    [InlineData("--context", "a")]
    [InlineData("--batch", "0,1")]
    [InlineData("--batch", "1,")]
    [InlineData("--frames", "0")]
    public async Task AWrongListIsAUsageError(string option, string value) =>
        CommandLine.AssertUsageError(await Bench(option, value), option);

    [Fact]
    public async Task TextShowsTheMediansWithTheirUnits()
    {
        Outcome outcome = await Bench("--repeat", "1");
        Assert.Equal(0, outcome.ExitCode);
        foreach (string label in new[] { "prefill", "decode", "first token", "CPU, decode", "weights", "memory" })
            Assert.Contains(outcome.OutLines, line => line.StartsWith(label, StringComparison.Ordinal));
    }

    [Fact]
    public async Task MoreTokensThanTheContextHoldsAreRefused() => CommandLine.AssertFailed(await Bench("--prompt-tokens", "600"), "512");

    [Theory]
    [InlineData("--repeat", "0")]
    [InlineData("--gen-tokens", "-1")]
    [InlineData("--prompt-tokens", "x")]
    public async Task AWrongNumberIsAUsageError(string option, string value) =>
        CommandLine.AssertUsageError(await Bench(option, value), option);

    private static Task<Outcome> Bench(params string[] options)
    {
        string[] size = options.Contains("--prompt-tokens") ? [] : ["--prompt-tokens", "16"];
        string[] generated = options.Contains("--gen-tokens") ? [] : ["--gen-tokens", "4"];
        return CommandLine.Run(["bench", CommandLine.ShippedModel, "--device", "cpu", .. size, .. generated, .. options]);
    }
}
