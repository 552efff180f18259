using System.Text.Json;
using MixtralVk.Grammar;

namespace MixtralVk.Tests.Grammar;

/// <summary>Constraints whose answers must not hold banned strings either.</summary>
public sealed class BannedStringsTests
{
    /// <summary>Grammars over a and b: with choices, repetitions, rules that call each other and themselves.</summary>
    public static TheoryData<string, string[]> Grammars => new()
    {
        { "root ::= [ab]*", ["aba"] },
        { "root ::= word \"b\"+ word\nword ::= \"a\" | \"ab\" | \"bab\"", ["abb", "bbba"] },
        { "root ::= \"a\" root \"b\" | word\nword ::= (\"b\" \"a\"?)?", ["aab", "bab"] },
        { "root ::= pair (\"a\" pair)*\npair ::= \"b\" (\"ab\" | \"\") | half half\nhalf ::= \"a\" | \"bb\"", ["aaa", "bba", "bab"] },
        { "root ::= item{2,3}\nitem ::= (\"a\" | \"b\" item){1,2}", ["aba", "bb"] },
        { "root ::= \"abb\" | \"ab\" root \"a\"", ["BBA"] },
    };

    /// <summary>
    /// Every text of up to nine letters: allowed with banned strings when it is without them and holds none. And each step can go on to the
    /// end.
    /// </summary>
    [Theory, MemberData(nameof(Grammars))]
    public void ExactlyTheTextsThatHoldABannedStringAreLeftOut(string grammar, string[] banned)
    {
        Constraint all = Constraint.Gbnf(grammar), without = all.Without(banned);
        int kept = 0, left = 0, shortest = int.MaxValue;
        for (int length = 0; length <= 9; length++)
        {
            for (int bits = 0; bits < 1 << length; bits++)
            {
                string text = string.Concat(Enumerable.Range(0, length).Select(i => (bits >> i & 1) == 0 ? 'a' : 'b'));
                bool matches = RandomText.Allows(all, text),
                    holds = Array.Exists(banned, word => text.Contains(word, StringComparison.OrdinalIgnoreCase));
                Assert.True((matches && !holds) == RandomText.Allows(without, text), text);
                if (!matches) continue;
                if (holds) left++;
                else (kept, shortest) = (kept + 1, Math.Min(shortest, length));
            }
        }
        Assert.True(kept > 0 && left > 0);
        Assert.Equal(shortest, without.ShortestBytes);
        var random = new Random(2);
        int tokens = without.ShortestTokens(RandomText.Tokenizer);
        for (int i = 0; i < 50; i++)
        {
            string text = RandomText.Of(without, tokens + random.Next(20), random);
            Assert.All(banned, word => Assert.DoesNotContain(word, text, StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public void AWordIsNotBegunThatCouldOnlyBecomeABannedOne()
    {
        Constraint constraint = Constraint.OneOf(["calm", "cold", "angry"]).Without(["alm", "OLD"]);
        Assert.True(RandomText.Allows(constraint, "angry"));
        Assert.Equal("angry", RandomText.Of(constraint, 20, new Random(1)));
        // Nor what would lead to one later on.
        Constraint later = Constraint.Gbnf("root ::= \"very \" \"calm\" | \"so \" \"angry\"").Without(["calm"]);
        Assert.Equal("so angry", RandomText.Of(later, 20, new Random(1)));
    }

    [Fact]
    public void JsonHoldsNoneOfThemUpToTheTightestLimit()
    {
        const string schema = """
            {"type":"object","properties":{"say":{"type":"string","maxLength":30},"emotion":{"enum":["calm","angry","afraid"]},"gold":{"type":"integer","minimum":0,"maximum":20}},
             "required":["say","emotion","gold"],"additionalProperties":false}
            """;
        string[] banned = ["calm", "the", "se", "1", "angry\","];
        Constraint constraint = Constraint.JsonSchema(schema).Without(banned);
        int shortest = constraint.ShortestTokens(RandomText.Tokenizer);
        var random = new Random(7);
        for (int i = 0; i < 300; i++)
        {
            string text = RandomText.Of(constraint, shortest + (i < 100 ? 0 : random.Next(60)), random);
            Assert.All(banned, word => Assert.DoesNotContain(word, text, StringComparison.OrdinalIgnoreCase));
            using JsonDocument answer = JsonDocument.Parse(text);
            Assert.Equal("afraid", answer.RootElement.GetProperty("emotion").GetString());
        }
    }

    [Fact]
    public void ALimitThatOnlyABannedAnswerFitsIsRefused()
    {
        Constraint constraint = Constraint.OneOf(["x", "xyxyxyxy"]).Without(["q", "x"]);
        Assert.Equal(1, constraint.ShortestBytes); // both hold an x, which is let be
        Constraint longer = Constraint.OneOf(["x", "yzyzyzyz"]).Without(["x"]);
        Assert.Equal(8, longer.ShortestTokens(RandomText.Tokenizer));
        Assert.Throws<GrammarException>(() => longer.Begin(RandomText.Tokenizer, 7));
    }

    [Fact]
    public void WhatEveryAnswerHoldsIsLetBeAndTheOthersAreNot()
    {
        Constraint constraint = Constraint.JsonSchema("""{"type":"object","properties":{"say":{"type":"string"},"action":{"enum":["gold","give"]}},"required":["say","action"]}""");
        Constraint without = constraint.Without(["action", "gold", "give", "elf"]); // the last of gold and give that is left
        Assert.True(RandomText.Allows(without, """{"say":"I see","action":"give"}"""));
        Assert.False(RandomText.Allows(without, """{"say":"I see","action":"gold"}"""));
        Assert.False(RandomText.Allows(without, """{"say":"An elf","action":"give"}"""));
    }

    [Fact]
    public void ABannedStringCannotBeEscaped() =>
        Assert.False(RandomText.Allows(Constraint.JsonSchema("""{"type":"string"}""").Without(["gold"]), "\"g\\u006fld\""));

    [Fact]
    public void TooManyForTheLimitsAreRefused()
    {
        Constraint constraint = Constraint.JsonSchema("""{"type":"string","maxLength":500}""", new ConstraintLimits { MaxStates = 3000 });
        Assert.NotNull(constraint.Without(["a"]));
        string[] many = [.. Enumerable.Range(0, 200).Select(i => $"word{i}")];
        Assert.Contains("banned", Assert.Throws<GrammarException>(() => constraint.Without(many)).Message, StringComparison.Ordinal);
    }
}
