using MixtralVk.Grammar;
using MixtralVk.Loading;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Grammar;

/// <summary>What a stranger's constraint within the limits of length may cost: memory is counted, as time is not the same everywhere.</summary>
public sealed class StrangersConstraintTests
{
    private const long MostBytes = 512L << 20;

    public static TheoryData<string> Schemas => new()
    {
        $$"""{"pattern":"{{new string('.', 250_000)}}"}""",
        $$"""{"pattern":"{{new string('|', 250_000)}}"}""",
        $$"""{"anyOf":[{{string.Join(',', Enumerable.Repeat("""{"multipleOf":1,"minimum":0,"maximum":9999}""", 5000))}}]}""",
        $$"""{"anyOf":[{{string.Join(',', Enumerable.Repeat("""{"type":"integer","minimum":1}""", 8000))}}]}""",
        "{\"type\":[" + string.Join(',', Enumerable.Repeat("\"object\"", 8000)) + "],\"properties\":{"
            + string.Join(',', Enumerable.Range(0, 300).Select(i => $"\"p{i}\":true")) + "}}",
    };

    [Theory]
    [MemberData(nameof(Schemas))]
    public void AShortSchemaThatStandsForMuchTakesLittleMemory(string schema) => AssertCheap(() =>
    {
        try
        {
            Constraint.JsonSchema(schema);
        }
        catch (GrammarException tooLarge)
        {
            Assert.Contains("too large", tooLarge.Message, StringComparison.Ordinal);
        }
    });

    [Fact]
    public void AClassOfVeryManyCharactersIsMadeAtOnce()
    {
        string characters = string.Concat(Enumerable.Range(0, 10_000).Select(i => (char)(0x100 + 2 * i)));
        AssertCheap(() => Constraint.Regex($"[{characters}]"));
        AssertCheap(() => Constraint.Gbnf($"root ::= [{characters}]"));
    }

    /// <summary>Each new state of this pattern has as many places as characters came before.</summary>
    [Fact]
    public void AShortCompletionIsNotSearchedForLongWhereTheGrammarIsAmbiguous()
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        var tokenizer = new Tokenizer(source.Vocabulary);
        AssertCheap(() => Assert.Equal(4001, Constraint.Regex("[^]*[a-m][ -~]{4000}").ShortestTokens(tokenizer)));
    }

    /// <summary>Each state has as many places as characters came before: few states take much memory, and are forgotten as many would be.</summary>
    [Fact]
    public void WhatIsLearnedOfAnAmbiguousGrammarIsForgottenInTime()
    {
        var rules = new RuleSet();
        rules.Add("pattern", RegexParser.Parse("[ -~]*[b-z ][ -~]{0,3900}", CharacterForm.Plain, wholeText: true));
        ConstraintLimits limits = ConstraintLimits.Default;
        var masks = new TokenMasks(new Automaton(rules, limits), limits, RandomText.Tokenizer, TokenTrie.Of(RandomText.Tokenizer), earlier: null);
        int state = masks.Start, characters = 0;
        for (; !masks.IsFull; characters++) state = masks.Step(state, 3 + 'b');
        Assert.InRange(characters, 100, 1000);
    }

    private static void AssertCheap(Action compile)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        compile();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
    }
}
