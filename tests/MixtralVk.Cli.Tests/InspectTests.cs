using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class InspectTests
{
    [Fact]
    public async Task ShowsSizesAndMemory()
    {
        Outcome outcome = await CommandLine.Run("inspect", CommandLine.ShippedModel);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(outcome.Error);
        Assert.Contains("8 experts, 2 per token", outcome.Out);
        Assert.Contains("4 of dim 256", outcome.Out);
        Assert.Contains("2048 tokens", outcome.Out);
        Assert.Contains("Q4_0: ", outcome.Out);
        Assert.Matches("fits +CPU, .*: yes", outcome.Out);
    }

    /// <summary>A terminal obeys what begins with this character.</summary>
    [Fact]
    public async Task AStrangersNameHasNoControlCharacters()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = await File.ReadAllBytesAsync(CommandLine.ShippedModel);
        bytes[bytes.AsSpan().IndexOf("general.name"u8) + 12 + sizeof(uint) + sizeof(ulong)] = 0x1B; // the first letter, after type and length
        Outcome outcome = await CommandLine.Run("inspect", folder.Write("name.gguf", bytes));
        Assert.Matches("name +[?]", outcome.Out);
        Assert.DoesNotContain("\u001b", outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task JsonHasTheSameFacts()
    {
        Outcome outcome = await CommandLine.Run("inspect", CommandLine.ShippedModel, "--json");
        Assert.Equal(0, outcome.ExitCode);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement root = json.RootElement, config = root.GetProperty("config");
        Assert.Equal("llama", root.GetProperty("architecture").GetString());
        Assert.Equal(8, config.GetProperty("expertCount").GetInt32());
        Assert.Equal(512, config.GetProperty("contextLength").GetInt32());
        Assert.Equal(new FileInfo(CommandLine.ShippedModel).Length, root.GetProperty("fileBytes").GetInt64());
        // 4 layers, keys and values of 2 heads of 32, two bytes each.
        Assert.Equal(4 * 2 * 2 * 32 * 2, root.GetProperty("kvBytesPerToken").GetInt64());
        Assert.InRange(root.GetProperty("weightBytesPerToken").GetInt64(), 1, root.GetProperty("weightBytes").GetInt64());
        Assert.True(root.GetProperty("memories")[0].GetProperty("fits").GetBoolean());
    }
}
