using MixtralVk.Grammar;

namespace MixtralVk.Tests.Grammar;

public sealed class GbnfTests
{
    private const string Arithmetic = """
        # sums of products
        root  ::= term ("+" term)*   # whole text
        term  ::= factor
                | factor "*" term
        factor ::= [0-9]+ | "(" root ")"
        """;

    [Theory]
    [InlineData("1+2*3", true)]
    [InlineData("((1))", true)]
    [InlineData("(1+2)*(3*(4+5))", true)]
    [InlineData("", false)]
    [InlineData("1+", false)]
    [InlineData("((1)", false)]
    [InlineData("1))", false)]
    public void ARecursiveGrammarKeepsCount(string text, bool allowed) =>
        Assert.Equal(allowed, RandomText.Allows(Constraint.Gbnf(Arithmetic), text));

    [Fact]
    public void RandomTextsBalance()
    {
        Constraint constraint = Constraint.Gbnf(Arithmetic);
        var random = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            string text = RandomText.Of(constraint, 1 + random.Next(40), random);
            Assert.Equal(text.Count(c => c == '('), text.Count(c => c == ')'));
        }
    }

    [Theory]
    [InlineData("root ::= \"a\\n\\x41\\u00e9\"", "a\nA\u00e9", true)]
    [InlineData("root ::= [a-c\\]]{2} .", "b]\u4e16", true)]
    [InlineData("root ::= [^\"\\\\]+", "a\"", false)]
    [InlineData("root ::= (\n \"a\" |\n \"b\" )? \"c\"\n", "bc", true)]
    [InlineData("root ::= a-b a-b\na-b ::= \"x\" | ", "x", true)]
    public void TheNotationIsRead(string grammar, string text, bool allowed) =>
        Assert.Equal(allowed, RandomText.Allows(Constraint.Gbnf(grammar), text));

    [Theory]
    [InlineData("", "no rule 'root'")]
    [InlineData("root ::= a", "'a'")]
    [InlineData("root ::= \"a", "Line 1")]
    [InlineData("root ::= \"x\"\nroot ::= \"y\"", "defined twice")]
    [InlineData("root = \"x\"", "'::='")]
    [InlineData("root ::= root \"x\" | \"x\"", "begins with itself")]
    [InlineData("root ::= a\na ::= \"y\"? b\nb ::= a \"x\" | \"x\"", "begins with itself")]
    [InlineData("root ::= \"(\" root \")\"", "No text can match")]
    [InlineData("root ::= \"a\"{2,1}", "repetition")]
    [InlineData("root ::= (\"a\"", "')'")]
    [InlineData("root ::= \"\\q\"", "escape")]
    public void BrokenGrammarsAreRefused(string grammar, string mentions) =>
        Assert.Contains(mentions, Assert.Throws<GrammarException>(() => Constraint.Gbnf(grammar)).Message, StringComparison.Ordinal);

    [Fact]
    public void APartThatNeverEndsIsNeverEntered()
    {
        Constraint constraint = Constraint.Gbnf("root ::= \"a\" forever | \"b\"\nforever ::= \"x\" forever");
        Assert.False(RandomText.Allows(constraint, "a"));
        Assert.True(RandomText.Allows(constraint, "b"));
    }

    [Fact]
    public void TooMuchAmbiguityIsRefusedAndNothingBreaks()
    {
        Constraint constraint = Constraint.Gbnf("root ::= \"s\" (\"a\"?){50}", new ConstraintLimits { MaxAmbiguity = 20 });
        Assert.Throws<GrammarException>(() => RandomText.Allows(constraint, "sa"));
        Assert.Throws<GrammarException>(() => RandomText.Allows(constraint, "sa"));
    }

    /// <summary>
    /// Each rule needs the one before it, so the ways through them become known in the order that the states do not have.
    /// </summary>
    [Fact]
    public void ALongChainOfRulesIsNoWork()
    {
        const int rules = 10_000;
        string chain = string.Concat(Enumerable.Range(1, rules - 1).Select(i => FormattableString.Invariant($"a{i}::=\"x\"a{i - 1}\n")));
        Assert.Equal(rules, Constraint.Gbnf($"a0::=\"x\"\n{chain}root::=a{rules - 1}").ShortestBytes);
    }
}
