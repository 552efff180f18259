using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using MixtralVk.Server.Kiosk;
using MixtralVk.Testing;
using Xunit.Abstractions;

namespace MixtralVk.Server.Tests;

/// <summary>The museum's texts, and the questions of its visitors.</summary>
public sealed class GroundingTests(ITestOutputHelper output)
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "samples", "Kiosk");
    private static readonly (string Question, string? Source)[] s_questions =
        [.. File.ReadLines(Path.Combine(s_folder, "questions.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).Select(each => (each.GetProperty("question").GetString()!, each.GetProperty("source").GetString()))];

    [Fact]
    public async Task The_right_passage_is_among_the_first_three()
    {
        using Knowledge knowledge = await Museum();
        var missed = s_questions.Where(each => each.Source is not null && !knowledge.Search(each.Question, 3).Any(passage => passage.Title == each.Source)).ToArray();
        foreach ((string question, string? source) in missed) output.WriteLine($"{question} [{source}]: {string.Join(" | ", knowledge.Search(question, 3).Select(passage => passage.Title))}");
        int known = s_questions.Count(each => each.Source is not null);
        Assert.Equal(60, known);
        Assert.True(missed.Length <= known / 10, $"{known - missed.Length} of {known} found");
    }

    [Fact]
    public async Task A_question_about_something_else_has_none()
    {
        using Knowledge knowledge = await Museum();
        Assert.All(s_questions.Where(each => each.Source is null), each => Assert.Empty(knowledge.Search(each.Question, 3)));
    }

    [Fact]
    public async Task The_kiosk_answers_from_its_texts_or_not_at_all()
    {
        ServerOptions options = RunningServer.Options();
        options.KioskFile = Path.Combine(s_folder, "kiosk.json");
        await using RunningServer server = await RunningServer.StartAsync(options);
        JsonElement known = await Ask(server, "Where are the toilets?", "en");
        Assert.Contains(known.GetProperty("sources").EnumerateArray(), source => source.GetProperty("title").GetString() == "Your visit: Toilets");
        Assert.NotEmpty(AnswerOf(known));
        JsonElement unknown = await Ask(server, "What is the capital of Mongolia?", "de");
        Assert.Equal("Das weiß ich nicht. An der Kasse hilft man Ihnen gern weiter.", AnswerOf(unknown));
        Assert.Equal(0, unknown.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        string models = await server.Http.GetStringAsync("/v1/models");
        Assert.Contains("\"kiosk\"", models);
    }

    [Fact]
    public async Task A_long_conversation_gives_way_to_the_passages()
    {
        ServerOptions options = RunningServer.Options();
        options.KioskFile = Path.Combine(s_folder, "kiosk.json");
        await using RunningServer server = await RunningServer.StartAsync(options);
        var messages = Enumerable.Range(0, 20).SelectMany(_ => new[] { new { role = "user", content = "Where are the toilets?" }, new { role = "assistant", content = "On the ground floor behind the stairs." } })
            .Append(new { role = "user", content = "And when is the museum open?" });
        JsonElement answer = await RunningServer.JsonOf(await server.PostAsync("/v1/chat/completions", JsonSerializer.Serialize(new { model = "kiosk", messages })));
        Assert.Contains(answer.GetProperty("sources").EnumerateArray(), source => source.GetProperty("title").GetString() == "Your visit: Opening hours");
        Assert.InRange(answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(), 20, 512 - 64);
    }

    private static async Task<Knowledge> Museum()
    {
        var knowledge = new Knowledge(Path.Combine(s_folder, "texts"), NullLogger<Knowledge>.Instance);
        await knowledge.StartAsync(CancellationToken.None);
        return knowledge;
    }

    private static async Task<JsonElement> Ask(RunningServer server, string question, string language) => await RunningServer.JsonOf(await server.PostAsync("/v1/chat/completions",
        JsonSerializer.Serialize(new { model = "kiosk", metadata = new { language }, messages = new[] { new { role = "user", content = question } } })));

    private static string AnswerOf(JsonElement response) => response.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
}
