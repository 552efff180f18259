using System.Text.RegularExpressions;
using MixtralVk.Grammar;

namespace MixtralVk.Tests.Grammar;

public sealed class RegexTests
{
    private const string Spaces = "\\t-\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff";

    public static TheoryData<string> Patterns =>
    [
        "abc", "a|b|", "a*b+c?", "(ab|cd){2,3}", "[a-fx]+", "[^a]b", "\\d{3}-\\d{4}", "\\w+\\s\\w+", "(?:a|(?<x>b))*",
        "\\u0041\\x42\\u{43}", "[\\d_-]{1,4}",
        "\u00e9+|[\u4e00-\u9fff]{2}", ".\\.", "a{0}b", "a{2,}?", "\\S\\W\\D", "^start$|^end$", "(a?){3}a", "(a*)*b", "[\\]\\\\^]",
    ];

    [Theory]
    [MemberData(nameof(Patterns))]
    public void WhatIsGeneratedMatches(string pattern)
    {
        Constraint constraint = Constraint.Regex(pattern);
        // In .NET's ECMAScript mode \s and \S know ASCII only, and there is no \u{}.
        string inDotNet = pattern.Replace("\\u{43}", "C", StringComparison.Ordinal).Replace("\\s", $"[{Spaces}]", StringComparison.Ordinal)
            .Replace("\\S", $"[^{Spaces}]", StringComparison.Ordinal);
        var expected = new Regex($"^(?:{inDotNet})$", RegexOptions.ECMAScript);
        var random = new Random(pattern.Length);
        int shortest = constraint.ShortestTokens(RandomText.Tokenizer);
        for (int i = 0; i < 50; i++)
        {
            string text = RandomText.Of(constraint, shortest + random.Next(20), random);
            // .NET's classes see a character beyond U+FFFF as two.
            if (!text.Any(char.IsSurrogate)) Assert.Matches(expected, text);
        }
    }

    [Theory]
    [InlineData("abc", "abc", true)]
    [InlineData("abc", "ab", false)]
    [InlineData("abc", "abcd", false)]
    [InlineData("a{2,3}", "a", false)]
    [InlineData("a{2,3}", "aaa", true)]
    [InlineData("a{2,3}", "aaaa", false)]
    [InlineData(".", "\n", false)]
    [InlineData("[^x]", "\ud83d\ude00", true)]
    [InlineData("\\S", "\u3000", false)]
    [InlineData("(|a)b", "b", true)]
    [InlineData("[\ud83d\ude00-\ud83d\ude10]", "\ud83d\ude01", true)]
    [InlineData("[\ud83d\ude00-\ud83d\ude10]", "\ud83d\ude11", false)]
    public void TextsAreToldApart(string pattern, string text, bool allowed) =>
        Assert.Equal(allowed, RandomText.Allows(Constraint.Regex(pattern), text));

    [Theory]
    [InlineData("(a", "')'")]
    [InlineData("a)", "')'")]
    [InlineData("[a", "']'")]
    [InlineData("*a", "nothing before")]
    [InlineData("a{3,2}", "repetition")]
    [InlineData("a{99999999}", "repetition")]
    [InlineData("(?=a)", "look-around")]
    [InlineData("(a)\\1", "\\1")]
    [InlineData("a\\b", "\\b")]
    [InlineData("a^b", "'^'")]
    [InlineData("[z-a]", "range")]
    [InlineData("\\", "'\\'")]
    [InlineData("\\ud83d", "surrogate")]
    [InlineData("[^\\s\\S]", "No text can match")]
    public void BrokenPatternsAreRefused(string pattern, string mentions) =>
        Assert.Contains(mentions, Assert.Throws<GrammarException>(() => Constraint.Regex(pattern)).Message, StringComparison.Ordinal);

    [Fact]
    public void HugePatternsAreRefused()
    {
        Assert.Throws<GrammarException>(() => Constraint.Regex(new string('(', 100_000) + new string(')', 100_000)));
        Assert.Throws<GrammarException>(() => Constraint.Regex("((((a{9999}){9999}){9999}){9999})"));
        Assert.Throws<GrammarException>(() => Constraint.Regex(new string('a', 300_000)));
        // Each '+' doubles what is in it: few states, but billions of edges.
        string nested = new string('(', 16) + string.Join('|', Enumerable.Repeat("a", 50_000)) + string.Concat(Enumerable.Repeat(")+", 16));
        Assert.Contains("edges", Assert.Throws<GrammarException>(() => Constraint.Regex(nested)).Message, StringComparison.Ordinal);
    }
}
