using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class TokenizeTests
{
    [Fact]
    public async Task WritesTheIdsOnOneLine()
    {
        Outcome outcome = await CommandLine.Run("tokenize", CommandLine.ShippedModel, "--text", "Where is the mill?");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(outcome.Error);
        Assert.Matches("^1( [0-9]+)+$", Assert.Single(outcome.OutLines));
    }

    [Fact]
    public async Task JsonHasPiecesThatSpellTheText()
    {
        const string text = "Where is the mill? Grüße";
        Outcome outcome = await CommandLine.Run("tokenize", CommandLine.ShippedModel, "--text", text, "--json");
        Assert.Equal(0, outcome.ExitCode);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement[] tokens = [.. json.RootElement.GetProperty("tokens").EnumerateArray()];
        Assert.Equal("<s>", tokens[0].GetProperty("piece").GetString());
        Assert.Equal(text,
            string.Concat(tokens.Skip(1).Select(t => t.GetProperty("piece").GetString())).Replace('\u2581', ' ').TrimStart());
        string ids = (await CommandLine.Run("tokenize", CommandLine.ShippedModel, "--text", text)).OutLines[0];
        Assert.Equal(ids, string.Join(' ', tokens.Select(t => t.GetProperty("id").GetInt32())));
    }

    [Fact]
    public async Task AnEmptyTextIsBosAlone() =>
        Assert.Equal(["1"], (await CommandLine.Run("tokenize", CommandLine.ShippedModel, "--text", "")).OutLines);

    [Fact]
    public async Task AMissingTextIsAUsageError() =>
        CommandLine.AssertUsageError(await CommandLine.Run("tokenize", CommandLine.ShippedModel), "--text");
}
