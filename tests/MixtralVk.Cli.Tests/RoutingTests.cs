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
        Outcome outcome = await CommandLine.Run(
            "routing", CommandLine.ShippedModel, "--text", english, "--text", german, "-o", page, "--json", "--context", "16");
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

    /// <summary>Every choice as a line, and on a device with a quarter of the experts what part of them hit.</summary>
    [Fact]
    public async Task WritesATraceAndHitRatesOfSharedExperts()
    {
        string text = _folder.Write("mira.txt",
            "I am Mira, a cheerful baker from Oakvale. The old mill stands by the river, and the bread is three silver. Who are you, and where do you live?"u8);
        string trace = _folder.PathOf("choices.txt"), page = _folder.PathOf("hits.html");
        Outcome outcome = await CommandLine.Run(
            "routing", CommandLine.ShippedModel, "--text", text, "--trace", trace, "--experts-on-gpu", "25%", "-o", page, "--json");
        Assert.Equal(0, outcome.ExitCode);
        JsonElement report = JsonDocument.Parse(outcome.Out).RootElement.GetProperty("texts")[0];
        string[] lines = File.ReadAllLines(trace);
        Assert.Equal("4 8 2", lines[0]);
        Assert.Equal(report.GetProperty("tokens").GetInt32(), lines.Length - 1);
        int[][] tokens = [.. lines.Skip(1).Select(line => line.Split(' ').Select(int.Parse).ToArray())];
        Assert.All(tokens, token => Assert.Equal(8, token.Length));
        for (int expert = 0; expert < 8; expert++)
            Assert.Equal(tokens.Sum(token => token[..2].Count(e => e == expert)) / (2.0 * tokens.Length),
                report.GetProperty("layers")[0].GetProperty("shares")[expert].GetDouble(), 1e-9);
        double[][] rates = [.. report.GetProperty("hitRates").EnumerateArray()
            .Select(piece => piece.EnumerateArray().Select(rate => rate.GetDouble()).ToArray())];
        Assert.InRange(rates.Length, 12, 24);
        Assert.All(rates, piece => Assert.Equal(4, piece.Length));
        Assert.All(rates.SelectMany(piece => piece), rate => Assert.InRange(rate, 0, 1));
        Assert.InRange(rates.Average(piece => piece.Average()), 0.05, 0.9);
        Assert.Contains("Hits along the texts", File.ReadAllText(page), StringComparison.Ordinal);
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
        // Without BOS.
        (await CommandLine.Run("tokenize", CommandLine.ShippedModel, "--text", File.ReadAllText(path))).Out.Split(' ').Length - 1;
}
