using System.Text;
using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class EvalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task FactsInAnswersAreCountedByCategory()
    {
        const string prompt =
            "<s>[INST] You are Brannor, a gruff blacksmith from Oakhaven. You love honey cake. You are afraid of wolves. You heard that wolves were seen near the north gate.\\n\\nHello, who are you? [/INST]";
        JsonElement report = await Evaluate(
            $$"""{"category": "who", "prompt": "{{prompt}}", "facts": ["brannor"], "any": [], "json": null}""",
            $$"""{"category": "who", "prompt": "{{prompt}}", "facts": ["Brannor", "dragon"], "any": []}""",
            $$"""{"category": "other", "prompt": "{{prompt}}", "facts": [], "any": ["no such words", "Brannor"]}""",
            $$$"""{"category": "json", "prompt": "{{{prompt}}}", "facts": ["Brannor"], "json": {"target": "" } }""");
        Assert.Equal([true, false, true, false],
            report.GetProperty("outcomes").EnumerateArray().Select(o => o.GetProperty("right").GetBoolean()));
        Assert.All(report.GetProperty("outcomes").EnumerateArray(), o => Assert.Contains("Brannor", o.GetProperty("answer").GetString()));
        Assert.Equal(["json 0 of 1", "other 1 of 1", "who 1 of 2"], report.GetProperty("categories").EnumerateArray().Select(Line));
        Assert.Equal("all 2 of 4", Line(report.GetProperty("total")));
        Assert.Equal(0.5, report.GetProperty("total").GetProperty("share").GetDouble());
        Assert.Equal(0.25, report.GetProperty("total").GetProperty("standardError").GetDouble(), 1e-9);
    }

    /// <summary>A persona that does not ask for JSON gets a plain answer: no JSON, unless it is held to it.</summary>
    [Fact]
    public async Task AnswersAreHeldToJsonWhenAsked()
    {
        const string task = """{"prompt": "<s>[INST] You are Brannor, a blacksmith in Oakhaven.\n\nHello, who are you? [/INST]", "facts": [], "json": {"target": ""}}""";
        JsonElement free = (await Evaluate([task])).GetProperty("json");
        JsonElement held = (await Evaluate([task], "--constrained")).GetProperty("json");
        Assert.Equal("valid JSON 0 of 1", Line(free));
        Assert.Equal("valid JSON 1 of 1", Line(held));
    }

    /// <summary>The letter chosen is the one whose logit after the prompt is greatest.</summary>
    [Fact]
    public async Task MultipleChoiceTakesTheLikeliestLetter()
    {
        const string question = """{"question": "What does a baker sell?", "choices": ["bread", "swords", "boats"], "subject": "village_life", "answer": """;
        JsonElement report = await Evaluate(question + "0}", question + "1}", question + "\"C\"}");
        string chosen = report.GetProperty("outcomes")[0].GetProperty("answer").GetString()!;
        Assert.Equal([chosen == "A", chosen == "B", chosen == "C"],
            report.GetProperty("outcomes").EnumerateArray().Select(o => o.GetProperty("right").GetBoolean()));
        Assert.Equal("village_life 1 of 3",
            Line(report.GetProperty("total"), report.GetProperty("categories")[0].GetProperty("category").GetString()!));

        const string prompt =
            "The following are multiple choice questions (with answers) about village life.\n\nWhat does a baker sell?\nA. bread\nB. swords\nC. boats\nAnswer:";
        int[][] texts = await Task.WhenAll(
            "ABC".Select(async letter => Ids(await CommandLine.Run("tokenize", CommandLine.ShippedModel, "--text", $"{prompt} {letter}"))));
        string logits = _folder.PathOf("logits.f32");
        await CommandLine.Run(
            "logits", CommandLine.ShippedModel, "--device", "cpu", $"--tokens={string.Join(',', texts[0][..^1])}", "--out", logits);
        byte[] last = File.ReadAllBytes(logits)[^(2048 * sizeof(float))..];
        Assert.Equal(chosen[0], "ABC".MaxBy(letter => BitConverter.ToSingle(last, texts[letter - 'A'][^1] * sizeof(float))));
    }

    [Fact]
    public async Task ShowsATable()
    {
        Outcome outcome = await CommandLine.Run("eval", CommandLine.ShippedModel, "--device", "cpu", "--tasks",
            Tasks("""{"category": "hi", "prompt": "<s>[INST] Hello [/INST]", "facts": []}"""));
        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches("hi +1 +1 +100.0 %", outcome.Out);
    }

    [Theory]
    [InlineData("{", "line 2")]
    [InlineData("[]", "line 2")]
    [InlineData("""{"text": "a"}""", "neither a question nor a prompt")]
    [InlineData("""{"question": "a", "choices": ["b"], "answer": 0}""", "1 choices")]
    [InlineData("""{"question": "a", "choices": ["b", "c"], "answer": 2}""", "choice 2 of 2")]
    [InlineData("""{"question": "a", "choices": ["b", "c"], "answer": "AB"}""", "neither an index nor a letter")]
    [InlineData("""{"question": "a", "choices": "b", "answer": 0}""", "line 2")]
    [InlineData("""{"question": "a", "choices": ["b", "c"]}""", "no answer")]
    public async Task AWrongLineIsNamed(string line, string cause) =>
        CommandLine.AssertFailed(await CommandLine.Run("eval", CommandLine.ShippedModel, "--tasks", Tasks("""{"prompt": "a"}""", line)), "tasks.jsonl", cause);

    [Fact]
    public async Task AFileWithoutTasksIsRefused() =>
        CommandLine.AssertFailed(await CommandLine.Run("eval", CommandLine.ShippedModel, "--tasks", Tasks("")), "no tasks");

    private Task<JsonElement> Evaluate(params string[] lines) => Evaluate(lines, []);

    private async Task<JsonElement> Evaluate(string[] lines, params string[] options)
    {
        Outcome outcome =
            await CommandLine.Run(["eval", CommandLine.ShippedModel, "--device", "cpu", "--json", "--tasks", Tasks(lines), .. options]);
        Assert.Equal(0, outcome.ExitCode);
        return JsonDocument.Parse(outcome.Out).RootElement;
    }

    private string Tasks(params string[] lines) => _folder.Write("tasks.jsonl", Encoding.UTF8.GetBytes(string.Join('\n', lines)));

    private static string Line(JsonElement category) => Line(category, category.GetProperty("category").GetString()!);

    private static string Line(JsonElement category, string name) =>
        $"{name} {category.GetProperty("right")} of {category.GetProperty("tasks")}";

    private static int[] Ids(Outcome tokenized) => [.. tokenized.Out.Split(' ').Select(int.Parse)];
}
