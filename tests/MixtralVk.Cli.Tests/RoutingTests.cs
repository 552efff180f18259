using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class RoutingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task WritesSharesAndAPageThatNeedsNothingElse()
    {
        string english = _folder.Write("english.txt", "I am Brannor, a blacksmith in Oakhaven. The old mill is behind the stone bridge."u8);
        string german = _folder.Write("de&ch.txt", "Guten Tag! Wo ist die alte Mühle? Ich suche den Schmied."u8);
        string page = _folder.PathOf("heat.html");
        Outcome outcome = await CommandLine.Run("routing", CommandLine.ShippedModel, "--text", english, "--text", german, "-o", page, "--json", "--context", "16");
        Assert.Equal(0, outcome.ExitCode);
        JsonElement report = JsonDocument.Parse(outcome.Out).RootElement;
        Assert.Equal((8, 2), (report.GetProperty("experts").GetInt32(), report.GetProperty("expertsPerToken").GetInt32()));
        JsonElement[] texts = [.. report.GetProperty("texts").EnumerateArray()];
        Assert.Equal(["english", "de&ch"], texts.Select(text => text.GetProperty("label").GetString()));
        foreach (JsonElement text in texts)
        {
            Assert.Equal(await TokenCount(text.GetProperty("path").GetString()!), text.GetProperty("tokens").GetInt32());
            Assert.Equal(4, text.GetProperty("layers").GetArrayLength());
            foreach (JsonElement layer in text.GetProperty("layers").EnumerateArray())
            {
                double[] shares = [.. layer.GetProperty("shares").EnumerateArray().Select(share => share.GetDouble())];
                Assert.Equal(8, shares.Length);
                Assert.Equal(1, shares.Sum(), 1e-9);
                Assert.All(shares, share => Assert.InRange(share, 0, 0.5)); // a token's two experts are different
                Assert.InRange(layer.GetProperty("repeatedFirstChoice").GetDouble(), 0, 1);
            }
        }
        Assert.NotEqual($"{texts[0].GetProperty("layers")}", $"{texts[1].GetProperty("layers")}");

        string html = File.ReadAllText(page);
        Assert.Contains("de&amp;ch", html);
        Assert.DoesNotContain("de&ch", html);
        Assert.DoesNotContain("http", html);
        Assert.Equal(2 * 4 * 8, html.Split(" of the choices\"").Length - 1);
        Assert.Contains("12.5", html);
    }

    [Fact]
    public async Task ShowsATable()
    {
        string text = _folder.Write("greeting.txt", "Hello, who are you?"u8);
        Outcome outcome = await CommandLine.Run("routing", CommandLine.ShippedModel, "--text", text);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains(outcome.OutLines, line => line.StartsWith("greeting", StringComparison.Ordinal));
        Assert.Contains("12.5 %", outcome.Out);
    }

    [Fact]
    public async Task AnEmptyTextIsRefused()
    {
        string text = _folder.Write("empty.txt", ""u8);
        CommandLine.AssertFailed(await CommandLine.Run("routing", CommandLine.ShippedModel, "--text", text), "empty.txt");
    }

    private static async Task<int> TokenCount(string path) =>
        (await CommandLine.Run("tokenize", CommandLine.ShippedModel, "--text", File.ReadAllText(path))).Out.Split(' ').Length - 1; // without BOS
}
