using System.Text;
using MixtralVk.Grammar;
using MixtralVk.Tests.Grammar;

namespace MixtralVk.Tests;

/// <summary>What the options do to answers of the shipped model on the CPU, and to random texts.</summary>
[Collection(nameof(LoadedModel))]
public sealed class GenerationOptionsTests(LoadedModel loaded)
{
    private static readonly GenerationOptions s_greedy = new() { Temperature = 0, MaxTokens = 40 };

    [Fact]
    public void BannedStringsDoNotAppear()
    {
        string free = Ask(s_greedy).Text;
        Assert.Contains("Mira", free, StringComparison.Ordinal);
        // Parts that lie across the borders of tokens, in another case.
        string[] banned = ["MIRA", free.Substring(1, 3), "aker"];
        Reply reply = Ask(s_greedy with { BannedStrings = banned });
        Assert.All(banned, text => Assert.DoesNotContain(text, reply.Text, StringComparison.OrdinalIgnoreCase));
        Assert.NotEmpty(reply.Text);
    }

    [Fact]
    public void BannedStringsDoNotAppearInAnyTextOfAnyTokens()
    {
        string[] banned = ["ab", "a\"", "e\u00e9", "true,", "TrueFalse", "\u4e16\u754c\u4e16", "12 ", "z"];
        var random = new Random(8);
        var options = new GenerationOptions { Temperature = 3, TopK = 0, TopP = 1, MinP = 0, MaxTokens = 100_000, MinTokens = 100_000,
            Seed = 2, BannedStrings = banned };
        var chooser = new TokenChooser(options, RandomText.Tokenizer, []);
        var bytes = new List<byte>();
        float[] logits = new float[RandomText.Tokenizer.VocabSize];
        for (int i = 0; i < 20_000; i++)
        {
            for (int t = 0; t < logits.Length; t++) logits[t] = random.NextSingle() + (t is 3 + 'a' or 3 + 'b' or > 259 ? 6 : 0);
            int token = chooser.Choose(logits);
            bytes.AddRange(RandomText.Tokenizer.ByteOf(token) is >= 0 and int value
                ? [(byte)value] : Encoding.UTF8.GetBytes(RandomText.Tokenizer.TextOf(token)));
        }
        string text = Encoding.UTF8.GetString([.. bytes]);
        Assert.All(banned, b => Assert.DoesNotContain(b, text, StringComparison.OrdinalIgnoreCase));
        Assert.Contains("tru", text, StringComparison.Ordinal);
    }

    [Fact]
    public void AConstraintThatLeavesNothingElseComesToItsEnd()
    {
        var options = new GenerationOptions { Seed = 3, BannedStrings = ["wolf", "elf"], MinTokens = 20,
            Constraint = Constraint.OneOf(["wolfhound", "elf"]) };
        Reply reply = Ask(options);
        Assert.True(reply.IsComplete);
        Assert.Equal("elf", reply.Text); // one of both there must be: the first of the list is left out
        Reply free = Ask(options with { Temperature = 3, Constraint = Constraint.Regex("([delfgow]{3} ){40}"), MaxTokens = 200 });
        Assert.True(free.IsComplete);
        Assert.All(options.BannedStrings, text => Assert.DoesNotContain(text, free.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void AnAnswerHasTheLeastLength()
    {
        Reply free = Ask(s_greedy);
        Assert.Equal(FinishReason.EndOfText, free.FinishReason);
        Reply longer = Ask(s_greedy with { MinTokens = free.Tokens.Count + 5 });
        Assert.True(longer.Tokens.Count > free.Tokens.Count + 4);
        Assert.StartsWith(free.Text, longer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void ProbabilitiesAreThoseOfTheModel()
    {
        int vocab = loaded.Model.Tokenizer.VocabSize;
        using Session session = loaded.Model.StartSession();
        session.Prefill(loaded.Model.Tokenizer.Encode("Hello"));
        var options = new GenerationOptions { Temperature = 5, TopK = 2, RepetitionPenalty = 2, Seed = 1, MaxTokens = 4,
            LogProbabilities = vocab };
        foreach (GeneratedToken token in session.Generate(options))
        {
            Assert.Equal(1, token.Likeliest.Sum(t => Math.Exp(t.LogProbability)), 1e-4);
            Assert.Equal(token.Likeliest.OrderByDescending(t => t.LogProbability).Select(t => t.LogProbability),
                token.Likeliest.Select(t => t.LogProbability));
            Assert.Equal(token.LogProbability, token.Likeliest.Single(t => t.Id == token.Id).LogProbability);
        }
        GeneratedToken silent = session.Generate(s_greedy).First();
        Assert.Null(silent.LogProbability);
        Assert.Empty(silent.Likeliest);
    }

    [Fact]
    public void SequenceBreakersAreTexts()
    {
        // "say" is a token, and so are its letters; the breaker is spelled across two tokens.
        var options = new GenerationOptions { Temperature = 0, DryMultiplier = 50, DryBreakers = ["\u00e9!"] };
        int a = RandomText.Tokenizer.Encode("a", addSpecial: false)[^1], first = 3 + 0xC3, second = 3 + 0xA9, mark = 3 + '!', b = 3 + 'b';
        float[] logits = new float[RandomText.Tokenizer.VocabSize];
        (logits[b], logits[mark]) = (2, 1);
        // b would repeat
        Assert.Equal(mark, new TokenChooser(options, RandomText.Tokenizer, [a, a, b, a, a]).Choose(logits));
        // Across the breaker.
        Assert.Equal(b,
            new TokenChooser(options, RandomText.Tokenizer, [a, first, second, mark, b, a, first, second, mark]).Choose(logits));
    }

    private Reply Ask(GenerationOptions options)
    {
        using Chat chat = loaded.Model.StartChat("You are Mira, a baker from Oakvale.");
        Reply reply = chat.Ask("Who are you?", options);
        foreach (string _ in reply) { }
        return reply;
    }
}
