namespace MixtralVk.Cli.Tests;

public sealed class DevicesTests
{
    [Fact]
    public async Task ListsTheCpuAndWhatVulkanOffers()
    {
        Outcome outcome = await CommandLine.Run("devices");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(outcome.Error);
        Assert.StartsWith($"CPU: {Environment.ProcessorCount} threads", outcome.OutLines[^1]);
        // Every adapter has these lines; where there is none, the reason stands in their place.
        if (outcome.Out.Contains("no Vulkan: ", StringComparison.Ordinal)) return;
        foreach (string label in new[] { "driver", "usable", "memory", "limits", "optional" })
            Assert.Contains(outcome.OutLines, line => line.StartsWith(label, StringComparison.Ordinal));
    }

    [Fact]
    public async Task WithoutADriverItSaysSo()
    {
        Outcome outcome =
            await CommandLine.Run("", ["devices"], [("VK_DRIVER_FILES", "/nowhere.json"), ("VK_ICD_FILENAMES", "/nowhere.json")]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("no Vulkan: ", outcome.Out);
    }
}
