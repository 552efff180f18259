using Microsoft.Extensions.Logging.Abstractions;
using MixtralVk.Server.Kiosk;

namespace MixtralVk.Server.Tests;

/// <summary>Texts in passages, and which of them a question is about.</summary>
public sealed class KnowledgeTests
{
    [Fact]
    public void A_text_is_cut_at_its_headings_and_never_in_a_word()
    {
        string lengthy = string.Join(' ', Enumerable.Range(0, 120).Select(i => $"Sentence {i} is here."));
        Passage[] passages = [.. Passages.Of("file", $"# Museum\n\nFirst.\n\nSecond,\nof two lines.\n\n## Hours\nTen to six.\n\n## Long\n\n{lengthy}")];
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
        var index = new LexicalIndex(["The lighthouse was painted by Ada Holm.", "Toilets are on the ground floor.", "Die Öffnungszeiten: am Sonntag von zehn bis sechs.", "Nothing else."]);
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
    public async Task A_changed_file_is_read_again()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mixtralvk-");
        try
        {
            string file = Path.Combine(folder.FullName, "hours.md");
            await File.WriteAllTextAsync(file, "# Hours\n\nOpen from ten to six.");
            using var knowledge = new Knowledge(folder.FullName, NullLogger<Knowledge>.Instance);
            await knowledge.StartAsync(CancellationToken.None);
            Assert.Equal("Open from ten to six.", Assert.Single(knowledge.Passages).Text);
            await File.WriteAllTextAsync(file, "# Hours\n\nClosed for repairs.");
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (knowledge.Passages.Single().Text != "Closed for repairs.") await Task.Delay(20, patience.Token);
            File.Delete(file);
            while (knowledge.Passages.Count > 0) await Task.Delay(20, patience.Token);
            await knowledge.StopAsync(CancellationToken.None);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
