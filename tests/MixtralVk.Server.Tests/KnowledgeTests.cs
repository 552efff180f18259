using MixtralVk.Server.Kiosk;

namespace MixtralVk.Server.Tests;

/// <summary>Texts in passages, and which of them a question is about.</summary>
public sealed class KnowledgeTests
{
    [Fact]
    public void A_text_is_cut_at_its_headings_and_never_in_a_word()
    {
        string lengthy = string.Join(' ', Enumerable.Range(0, 120).Select(i => $"Sentence {i} is here."));
        Passage[] passages =
            [.. Passages.Of("file", $"# Museum\n\nFirst.\n\nSecond,\nof two lines.\n\n## Hours\nTen to six.\n\n## Long\n\n{lengthy}")];
        Assert.Equal(new Passage("Museum", "First. Second, of two lines."), passages[0]);
        Assert.Equal(new Passage("Museum: Hours", "Ten to six."), passages[1]);
        Assert.All(passages[2..], passage => Assert.InRange(passage.Text.Length, 1, 600));
        Assert.Equal(lengthy, string.Join(' ', passages[2..].Select(passage => passage.Text)));
        Assert.All(passages[2..], passage => Assert.EndsWith(".", passage.Text));
        Assert.Equal([new Passage("notes", "No heading.")], Passages.Of("notes", "No heading."));
        Assert.Empty(Passages.Of("empty", " \n\n# Only a heading\n"));
        Assert.Equal(1300, Passages.Of("wall", new string('x', 1300)).Sum(passage => passage.Text.Length));
    }

    [Theory]
    [InlineData("Where are the toilets?", 1)]
    [InlineData("toilet", 1)]
    [InlineData("Öffnungszeit", 2)]
    [InlineData("offnungszeiten sonntag", 2)]
    [InlineData("who painted the lighthouse", 0)]
    public void The_best_passage_shares_the_rarest_words(string question, int best)
    {
        var index = new LexicalIndex(["The lighthouse was painted by Ada Holm.", "Toilets are on the ground floor.",
            "Die Öffnungszeiten: am Sonntag von zehn bis sechs.", "Nothing else."]);
        (double Score, double Coverage)[] ranks = index.Rank(question);
        Assert.Equal(best, Array.IndexOf(ranks, ranks.MaxBy(rank => rank.Score)));
        Assert.InRange(ranks[best].Coverage, 0.5, 1);
    }

    [Fact]
    public void A_strange_question_is_about_nothing()
    {
        var index = new LexicalIndex(["The lighthouse was painted by Ada Holm.", "Toilets are on the ground floor."]);
        Assert.All(index.Rank("What is the capital of Mongolia?"), rank => Assert.InRange(rank.Coverage, 0, 0.2));
        Assert.All(index.Rank(""), rank => Assert.Equal((0, 0), rank));
        Assert.Empty(new LexicalIndex([]).Rank("anything"));
    }

    [Fact]
    public async Task Vectors_add_and_order_passages_as_much_as_their_weight_says()
    {
        Passage[] passages =
            [new("Ships", "The ship sails at noon."), new("Boats", "The ship sails at dawn."), new("Food", "Soup and cake.")];
        var shelf = new Shelf(passages, 0.05) { Vectors = new VectorIndex([[1, 0, 0], [0, 1, 0], [0, 0, 1]]) };
        Assert.Equal([passages[0], passages[1]], await shelf.SearchAsync("Which ship sails?", 3, _ => Task.FromResult<float[]>([1, 0, 0])));
        Assert.Equal([passages[1], passages[0]], await shelf.SearchAsync("Which ship sails?", 3, _ => Task.FromResult<float[]>([0, 1, 0])));
        Assert.Equal([passages[1]], await shelf.SearchAsync("Which ship sails?", 1, _ => Task.FromResult<float[]>([0, 1, 0])));
        // Where words decide, no vector is asked for; with more weight, one finds what has none of the words.
        Assert.Equal([passages[2]], await shelf.SearchAsync("Is there soup?", 3, NotAsked));
        Assert.Empty(await shelf.SearchAsync("I am hungry", 3, NotAsked));
        Assert.Equal([passages[2]],
            await (shelf with { VectorWeight = 1 }).SearchAsync("I am hungry", 3, _ => Task.FromResult<float[]>([0, 0, 1])));
        Assert.Empty(await (shelf with { VectorWeight = 1 }).SearchAsync("And what about it?", 3, NotAsked));
        Assert.Empty(await (shelf with { VectorWeight = 1, Vectors = null }).SearchAsync("I am hungry", 3, NotAsked));
        Assert.Empty(await new Shelf([], 1) { Vectors = new VectorIndex([]) }.SearchAsync("I am hungry", 3, NotAsked));

        static Task<float[]> NotAsked(string question) => throw new InvalidOperationException(question);
    }

    [Fact]
    public void Cosines_are_those_of_what_vectors_do_not_have_in_common()
    {
        var index = new VectorIndex([[10, 1, 0], [10, -1, 0]]);
        Assert.Equal([1, -1], index.Cosines([10, 5, 0]));
        Assert.Equal([0, 0], index.Cosines([10, 0, 3]));
        Assert.Equal([0, 0], index.Cosines([10, 0, 0]));
        Assert.Equal([0], new VectorIndex([[1, 2]]).Cosines([3, 4]));
    }

    [Fact]
    public async Task A_changed_file_is_read_again_and_only_what_is_new_in_it_becomes_vectors()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mixtralvk-");
        try
        {
            string texts = folder.CreateSubdirectory("texts").FullName, file = Path.Combine(texts, "hours.md");
            ServerOptions options = RunningServer.Options();
            options.KioskFile = Path.Combine(folder.FullName, "kiosk.json");
            await File.WriteAllTextAsync(options.KioskFile, """{ "texts": "texts" }""");
            await File.WriteAllTextAsync(file, "# Museum\n\n## Hours\n\nOpen from ten to six.\n\n## Dogs\n\nThey wait outside.");
            await using RunningServer server = await RunningServer.StartAsync(options);
            Shelf shelf = await server.ShelfWithVectors();
            Assert.Equal(["Open from ten to six.", "They wait outside."], shelf.Passages.Select(passage => passage.Text));
            long embedded = server.Service<ServerMetrics>().EmbeddedTokens;
            Assert.Equal(shelf.Passages.Sum(TokensOf), embedded);
            string aside = Path.Combine(folder.FullName, "aside");
            await File.WriteAllTextAsync(aside, "# Museum\n\n## Hours\n\nClosed for repairs.\n\n## Dogs\n\nThey wait outside.");
            File.Move(aside, file, overwrite: true); // at once: a file that is half written would be read, too
            while (shelf.Passages[0].Text != "Closed for repairs.")
            {
                await Task.Delay(20);
                shelf = await server.ShelfWithVectors();
            }
            Assert.Equal(TokensOf(shelf.Passages[0]), server.Service<ServerMetrics>().EmbeddedTokens - embedded);
            File.Delete(file);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (server.Service<Knowledge>().Shelf.Passages.Count > 0) await Task.Delay(20, patience.Token);

            int TokensOf(Passage passage) => server.Sessions.Model.Tokenizer.Encode(passage.Searched).Length;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
