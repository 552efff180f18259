using System.Text.Json;
using MixtralVk.Server.Kiosk;
using MixtralVk.Testing;
using Xunit.Abstractions;

namespace MixtralVk.Server.Tests;

/// <summary>The museum's texts, and the questions of its visitors.</summary>
public sealed class GroundingTests(ITestOutputHelper output)
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "samples", "Kiosk");
    private static readonly (string Question, string? Source)[] s_questions =
        [.. File.ReadLines(Path.Combine(s_folder, "questions.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
        .Select(each => (each.GetProperty("question").GetString()!, each.GetProperty("source").GetString()))];

    [Fact]
    public async Task The_right_passage_is_among_the_first_three_and_vectors_lose_none()
    {
        await using RunningServer server = await RunningServer.StartAsync(Museum());
        Shelf shelf = await server.ShelfWithVectors();
        var vectors = new Dictionary<string, float[]>();
        int used = 0;
        foreach ((string question, _) in s_questions) vectors.Add(question, await server.EmbedAsync(question));
        (int First, int Three, int Strange, int Used) alone = Report("words", question => Find(shelf with { Vectors = null }, question));
        Report("vectors", question =>
            Task.FromResult<IReadOnlyList<Passage>>([.. shelf.Passages.Zip(shelf.Vectors!.Cosines(vectors[question]))
            .OrderByDescending(each => each.Second).Take(3).Select(each => each.First)]));
        foreach (double weight in new[] { 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2 })
            Report($"weight {weight}", question => Find(shelf with { VectorWeight = weight }, question));
        (int First, int Three, int Strange, int Used) both = Report("as set", question => Find(shelf, question));
        Assert.Equal((60, 12), (s_questions.Count(each => each.Source is not null), s_questions.Count(each => each.Source is null)));
        Assert.InRange(alone.Three, 54, 60);
        Assert.InRange(both.Three, alone.Three, 60);
        Assert.Equal((0, 0, 0), (alone.Strange, both.Strange, alone.Used));

        Task<IReadOnlyList<Passage>> Find(Shelf shelf, string question) => shelf.SearchAsync(question, 3, text =>
        {
            used++;
            return Task.FromResult(vectors[text]);
        });

        // Of the questions with a passage, those whose passage is the first and among the first three; of the others, those for which some
        // is found; and how many needed a vector.
        (int, int, int, int) Report(string ranking, Func<string, Task<IReadOnlyList<Passage>>> find)
        {
            used = 0;
            var found = s_questions.Select(each =>
                (each.Source, Titles: find(each.Question).Result.Select(passage => passage.Title).ToArray())).ToArray();
            var known = found.Where(each => each.Source is not null);
            var counts = (known.Count(each => each.Titles.FirstOrDefault() == each.Source), known.Count(each =>
                each.Titles.Contains(each.Source)), found.Count(each => each.Source is null && each.Titles.Length > 0), used);
            output.WriteLine($"{ranking}: {counts}");
            return counts;
        }
    }

    [Fact]
    public async Task A_question_takes_one_seat_for_its_vector_and_its_answer()
    {
        ServerOptions options = Museum();
        (options.Seats, options.QueueLimit, options.EmbeddingWeight) = (1, 0, 1);
        await using RunningServer server = await RunningServer.StartAsync(options);
        await server.ShelfWithVectors();
        for (int i = 0; i < 3; i++)
        {
            long before = server.Service<ServerMetrics>().EmbeddedTokens;
            Assert.NotEmpty(AnswerOf(await Ask(server, "Where are the toilets?", "en")));
            Assert.Equal(server.Sessions.Model.Tokenizer.Encode("Where are the toilets?").Length,
                server.Service<ServerMetrics>().EmbeddedTokens - before);
        }
        Assert.Equal(0, server.Sessions.Active);
    }

    [Fact]
    public async Task The_kiosk_answers_from_its_texts_or_not_at_all()
    {
        ServerOptions options = Museum();
        options.EmbeddingWeight = 0;
        await using RunningServer server = await RunningServer.StartAsync(options);
        JsonElement known = await Ask(server, "Where are the toilets?", "en");
        Assert.Contains(known.GetProperty("sources").EnumerateArray(),
            source => source.GetProperty("title").GetString() == "Your visit: Toilets");
        Assert.NotEmpty(AnswerOf(known));
        JsonElement unknown = await Ask(server, "What is the capital of Mongolia?", "de");
        Assert.Equal("Das weiß ich nicht. An der Kasse hilft man Ihnen gern weiter.", AnswerOf(unknown));
        Assert.Equal(0, unknown.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        // No word that could be looked up.
        Assert.Equal("I don't know that. The staff at the desk will be glad to help you.",
            AnswerOf(await Ask(server, "What is it?", "xx")));
        string models = await server.Http.GetStringAsync("/v1/models");
        Assert.Contains("\"kiosk\"", models);
        Assert.Equal(0, server.Service<ServerMetrics>().EmbeddedTokens);
    }

    [Fact]
    public async Task A_long_conversation_gives_way_to_the_passages()
    {
        await using RunningServer server = await RunningServer.StartAsync(Museum());
        var messages = Enumerable.Range(0, 20).SelectMany(_ => new[] { new { role = "user", content = "Where are the toilets?" },
            new { role = "assistant", content = "On the ground floor behind the stairs." } })
            .Append(new { role = "user", content = "And when is the museum open?" });
        JsonElement answer = await RunningServer.JsonOf(await server.PostAsync(
            "/v1/chat/completions", JsonSerializer.Serialize(new { model = "kiosk", messages })));
        Assert.Contains(answer.GetProperty("sources").EnumerateArray(),
            source => source.GetProperty("title").GetString() == "Your visit: Opening hours");
        Assert.InRange(answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(), 20, 512 - 64);
    }

    private static ServerOptions Museum()
    {
        ServerOptions options = RunningServer.Options();
        options.KioskFile = Path.Combine(s_folder, "kiosk.json");
        return options;
    }

    private static async Task<JsonElement> Ask(RunningServer server, string question, string language) =>
        await RunningServer.JsonOf(await server.PostAsync("/v1/chat/completions",
        JsonSerializer.Serialize(
            new { model = "kiosk", metadata = new { language }, messages = new[] { new { role = "user", content = question } } })));

    private static string AnswerOf(JsonElement response) =>
        response.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
}
