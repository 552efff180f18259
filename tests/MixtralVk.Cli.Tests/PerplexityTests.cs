using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class PerplexityTests : IDisposable
{
    private const int VocabSize = 2048, Context = 32;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The definition, from the logits of each window: BOS first, the second half scored.</summary>
    [Fact]
    public async Task EqualsTheFigureFromTheLogits()
    {
        string text = _folder.Write("text.txt",
            "I am Brannor, a blacksmith in Oakhaven. The old mill is behind the stone bridge, next to the bakery.\nI heard that wolves were seen near the north gate. Do you sell bread? I have no work for you.\nA red loaf costs 3 gold, a honey cake 5 gold.\n"u8);
        Outcome tokenized = await CommandLine.Run("tokenize", CommandLine.ShippedModel, "--text", File.ReadAllText(text)[..^1]);
        int[] tokens = [.. tokenized.Out.Split(' ').Select(int.Parse)];
        Assert.True(tokens.Length >= 2 * Context && tokens.Length % Context != 0);

        double sum = 0;
        int scored = 0;
        for (int start = 0; start + Context <= tokens.Length; start += Context)
        {
            int[] window = [1, .. tokens[(start + 1)..(start + Context)]];
            string logitsFile = _folder.PathOf("logits.f32");
            await CommandLine.Run(
                "logits", CommandLine.ShippedModel, "--device", "cpu", $"--tokens={string.Join(',', window)}", "--out", logitsFile);
            byte[] bytes = File.ReadAllBytes(logitsFile);
            for (int row = Context / 2; row < Context - 1; row++)
            {
                double[] logits = [.. Enumerable.Range(0, VocabSize)
                    .Select(i => (double)BitConverter.ToSingle(bytes, (row * VocabSize + i) * sizeof(float)))];
                sum += Math.Log(logits.Sum(logit => Math.Exp(logit - logits[window[row + 1]])));
                scored++;
            }
        }
        Outcome outcome = await CommandLine.Run(
            "perplexity", CommandLine.ShippedModel, "--text", text, "--context", $"{Context}", "--device", "cpu", "--json");
        Assert.Equal(0, outcome.ExitCode);
        JsonElement report = JsonDocument.Parse(outcome.Out).RootElement;
        Assert.Equal((tokens.Length, scored), (report.GetProperty("tokens").GetInt32(), report.GetProperty("scored").GetInt32()));
        Assert.Equal(1, report.GetProperty("perplexity").GetDouble() / Math.Exp(sum / scored), 4e-8);
        Assert.InRange(report.GetProperty("standardError").GetDouble(), 0.01, 1e3);
    }

    [Fact]
    public async Task ATextThatIsTooShortIsRefused()
    {
        string text = _folder.Write("text.txt", "Hello."u8);
        CommandLine.AssertFailed(await CommandLine.Run(
            "perplexity", CommandLine.ShippedModel, "--text", text, "--device", "cpu", "--context", "16"), "text.txt", "32");
    }

    [Fact]
    public async Task ATextThatIsMissingIsNamed() =>
        CommandLine.AssertFailed(await CommandLine.Run("perplexity", CommandLine.ShippedModel, "--text", _folder.PathOf("none.txt")),
            "none.txt");

    [Fact]
    public async Task AContextBeyondTheModelsIsRefused()
    {
        string text = _folder.Write("text.txt", "Hello."u8);
        CommandLine.AssertFailed(await CommandLine.Run(
            "perplexity", CommandLine.ShippedModel, "--text", text, "--device", "cpu", "--context", "513"), "512", "513");
    }
}
