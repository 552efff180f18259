namespace MixtralVk.Cli.Tests;

/// <summary>What the README shows is what there is.</summary>
public sealed class ReadmeTests
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "docs");
    private static readonly string s_readme = File.ReadAllText(Path.Combine(s_folder, "README.md")).ReplaceLineEndings("\n");

    [Fact]
    public void QuotesTheSampleWhole() =>
        Assert.Contains(File.ReadAllText(Path.Combine(s_folder, "HelloNpc.cs")).ReplaceLineEndings("\n"), s_readme);

    [Fact]
    public void ListsEveryCommand() => Assert.All(HelpTests.Commands, command => Assert.Contains($"\n| `{command}", s_readme));

    [Fact]
    public async Task ItsTranscriptIsReal()
    {
        // "> question", then the answer on the next line.
        string[] lines = s_readme.Split('\n');
        int[] questions = [.. Enumerable.Range(0, lines.Length).Where(i => lines[i].StartsWith("> ", StringComparison.Ordinal))];
        Assert.NotEmpty(questions);
        Outcome outcome = await CommandLine.Run(string.Concat(questions.Select(i => lines[i][2..] + "\n")), ["chat", "--device", "cpu"]);
        Assert.Equal(questions.Select(i => lines[i + 1]), outcome.OutLines);
    }
}
