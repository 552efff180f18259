using System.Text.Json;
using MixtralVk.Grammar;
using MixtralVk.Testing;

namespace MixtralVk.Tests.Grammar;

/// <summary>Constrained answers of the shipped model on the CPU.</summary>
[Collection(nameof(LoadedModel))]
public sealed class ConstrainedReplyTests(LoadedModel loaded)
{
    private const string Schema = """
        {"type":"object","properties":{"say":{"type":"string","maxLength":60},"emotion":{"enum":["calm","angry"]},"gold":{"type":"integer","minimum":0,"maximum":99}},
         "required":["say","emotion","gold"]}
        """;

    private static readonly GenerationOptions s_wild = new()
        { Temperature = 5, TopK = 0, TopP = 1, MinP = 0, MaxTokens = 80, Constraint = Constraint.JsonSchema(Schema) };

    [Fact]
    public void EveryAnswerParsesAtAnyTemperatureAndLimit()
    {
        int shortest = s_wild.Constraint!.ShortestTokens(loaded.Model.Tokenizer);
        for (uint seed = 0; seed < 12; seed++)
        {
            Reply reply = Ask(s_wild with { Seed = seed, MaxTokens = shortest + 3 * (int)seed });
            Assert.True(reply.IsComplete);
            Assert.InRange(reply.Tokens.Count, shortest, shortest + 3 * (int)seed);
            using JsonDocument answer = JsonDocument.Parse(reply.Text);
            Assert.InRange(answer.RootElement.GetProperty("gold").GetInt32(), 0, 99);
            Assert.InRange(answer.RootElement.GetProperty("say").GetString()!.EnumerateRunes().Count(), 0, 60);
        }
    }

    [Fact]
    public void NoAnswerHoldsABannedStringAtAnyTemperatureAndLimit()
    {
        string[] banned = ["calm", "e\"", "1", "2"];
        GenerationOptions options = s_wild with { Constraint = Constraint.JsonSchema(Schema.Replace(
            "angry", "proud", StringComparison.Ordinal)), BannedStrings = banned };
        int shortest = options.Constraint.Without(banned).ShortestTokens(loaded.Model.Tokenizer);
        for (uint seed = 0; seed < 12; seed++)
        {
            Reply reply = Ask(options with { Seed = seed, MaxTokens = shortest + 3 * (int)seed });
            using JsonDocument answer = JsonDocument.Parse(reply.Text);
            Assert.Equal("proud", answer.RootElement.GetProperty("emotion").GetString());
            Assert.All(banned, text => Assert.DoesNotContain(text, reply.Text, StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public void TheModelsOwnChoiceIsKeptWhereItFits()
    {
        Reply free = Ask(new GenerationOptions { Temperature = 0 });
        Reply constrained = Ask(new GenerationOptions { Temperature = 0, Constraint = Constraint.Regex("[^{}]*") });
        Assert.Equal(free.Text, constrained.Text);
        Assert.True(constrained.IsComplete);
        Assert.False(free.IsComplete);
    }

    [Theory]
    [InlineData("{\"say\":\"\",\"emotion\":\"calm\",\"gold\":5}", true)]
    [InlineData("I say {gold}.", true)]
    [InlineData("Two\nlines", true)]
    [InlineData("{\"say\":5", false)]
    [InlineData("{}", false)]
    [InlineData("\n{", false)]
    public void DataOrWordsAreToldApart(string text, bool allowed) =>
        Assert.Equal(allowed, RandomText.Allows(Constraint.JsonSchemaOrText(Schema), text));

    [Fact]
    public void AnAnswerEndsWhenNothingCanFollow()
    {
        Reply reply = Ask(new GenerationOptions { Constraint = Constraint.OneOf(["yes", "no"]) });
        Assert.Contains(reply.Text, new[] { "yes", "no" });
        Assert.Equal((true, FinishReason.EndOfText), (reply.IsComplete, reply.FinishReason));
    }

    [Fact]
    public void AnInterruptedAnswerIsMarked()
    {
        using Chat chat = loaded.Model.StartChat("You are Mira, a baker from Oakvale.");
        Reply reply = chat.Ask("Who are you?", s_wild with { Seed = 1 });
        foreach (string _ in reply)
            if (reply.Tokens.Count == 5) break;
        Assert.Equal((false, FinishReason.Cancelled), (reply.IsComplete, reply.FinishReason));
    }

    [Fact]
    public void ALimitThatCannotHoldAnAnswerIsRefusedBeforeOneIsGenerated()
    {
        using Session session = loaded.Model.StartSession();
        session.Prefill(loaded.Model.Tokenizer.Encode("Hello"));
        Generation generation = session.Generate(s_wild with { MaxTokens = 5 });
        Assert.Contains("shortest answer", Assert.Throws<GrammarException>(() => generation.Count()).Message, StringComparison.Ordinal);
        Assert.Equal(loaded.Model.Tokenizer.Encode("Hello"), session.Tokens.ToArray());
    }

    [Fact]
    public void MasksOfAStateMetBeforeAllocateNothing()
    {
        ConstrainedText text = s_wild.Constraint!.Begin(loaded.Model.Tokenizer, 80);
        text.Allowed(80);
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (int i = 0; i < 100; i++) text.Allowed(80);
        }));
    }

    private Reply Ask(GenerationOptions options)
    {
        using Chat chat = loaded.Model.StartChat("You are Mira, a baker from Oakvale.");
        Reply reply = chat.Ask("Who are you?", options);
        foreach (string _ in reply) { }
        return reply;
    }
}
