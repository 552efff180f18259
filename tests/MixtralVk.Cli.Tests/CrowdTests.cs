using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class CrowdTests
{
    [Fact]
    public async Task CommonLoreIsHeldOnceAndASmallerCacheIsSmaller()
    {
        Outcome outcome =
            await CommandLine.Run(["crowd", CommandLine.ShippedModel, "--device", "cpu", "--characters", "5", "--lore", "96", "--json"]);
        Assert.Equal(0, outcome.ExitCode);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement root = json.RootElement;
        long page = 32 * 1024; // 32 tokens of 4 layers, K and V, 2 heads of 32, two bytes
        Assert.Equal((3 + 5) * page, root.GetProperty("shared").GetProperty("kvBytes").GetInt64());
        Assert.Equal(5 * 4 * page, root.GetProperty("apart").GetProperty("kvBytes").GetInt64());
        Assert.Equal(5 * 6 * page, root.GetProperty("roomForAll").GetProperty("cacheBytes").GetInt64());
        Assert.Equal(7 * page, root.GetProperty("roomForAQuarter").GetProperty("cacheBytes").GetInt64());
        Assert.True(root.GetProperty("roomForAQuarter").GetProperty("p95Seconds").GetDouble() > 0);
        Assert.Equal(96 + 5 * 32, root.GetProperty("shared").GetProperty("computedTokens").GetInt32());
        Assert.Equal(5 * (96 + 32), root.GetProperty("apart").GetProperty("computedTokens").GetInt32());
        Assert.True(root.GetProperty("sameAnswers").GetBoolean());
    }

    [Fact]
    public async Task MoreThanTheContextIsRefused() =>
        CommandLine.AssertFailed(await CommandLine.Run(["crowd", CommandLine.ShippedModel, "--device", "cpu", "--lore", "1000"]), "1000");
}
