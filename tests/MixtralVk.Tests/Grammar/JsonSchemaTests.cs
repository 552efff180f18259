using System.Text.Json;
using MixtralVk.Grammar;

namespace MixtralVk.Tests.Grammar;

public sealed class JsonSchemaTests
{
    private const string Npc = """
        {"type":"object","properties":{"say":{"type":"string","maxLength":40},"emotion":{"enum":["calm","angry","afraid"]},
         "action":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/action"}]},"trust":{"type":"integer","minimum":-5,"maximum":120}},
         "required":["say","emotion","action","trust"],"additionalProperties":false,
         "$defs":{"action":{"type":"object","properties":{"name":{"const":"give"},"target":{"type":"string","pattern":"^[a-z]{1,8}$"}},"required":["name","target"]}}}
        """;

    [Theory]
    [InlineData("true", "[1, {\"a\":null},\"x\u00e9\\\"\\u0007\"]", true)]
    [InlineData("true", "[1,]", false)]
    [InlineData("true", "01", false)]
    [InlineData("true", "-0.5e+10", true)]
    [InlineData("true", "\"\ud83d\ude00\"", true)]
    [InlineData("true", "\"\\ud83d\\ude00\"", false)] // a text has one form
    [InlineData("true", "\"\\u0041\"", false)]
    [InlineData("true", "\"\n\"", false)]
    [InlineData("{\"type\":\"integer\",\"minimum\":7,\"maximum\":123}", "6", false)]
    [InlineData("{\"type\":\"integer\",\"minimum\":7,\"maximum\":123}", "99", true)]
    [InlineData("{\"type\":\"integer\",\"minimum\":7,\"maximum\":123}", "124", false)]
    [InlineData("{\"type\":\"integer\",\"exclusiveMinimum\":-3,\"exclusiveMaximum\":3}", "-2", true)]
    [InlineData("{\"type\":\"integer\",\"exclusiveMinimum\":-3,\"exclusiveMaximum\":3}", "-3", false)]
    [InlineData("{\"type\":\"integer\",\"minimum\":0}", "-1", false)]
    [InlineData("{\"type\":\"number\",\"minimum\":0,\"maximum\":1}", "0.75", true)]
    [InlineData("{\"type\":\"number\",\"minimum\":0,\"maximum\":1}", "1.01", false)]
    [InlineData("{\"type\":\"number\",\"minimum\":-2.5,\"maximum\":-0.125}", "-0.125", true)]
    [InlineData("{\"type\":\"number\",\"minimum\":-2.5,\"maximum\":-0.125}", "-0.124", false)]
    [InlineData("{\"type\":\"integer\",\"multipleOf\":5,\"minimum\":0,\"maximum\":100}", "95", true)]
    [InlineData("{\"type\":\"integer\",\"multipleOf\":5,\"minimum\":0,\"maximum\":100}", "96", false)]
    [InlineData("{\"type\":[\"string\",\"null\"],\"minLength\":2,\"maxLength\":3}", "null", true)]
    [InlineData("{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}", "\"a\"", false)]
    [InlineData("{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}", "\"\ud83d\ude00\u00e9\\n\"", true)]
    [InlineData("{\"type\":\"string\",\"pattern\":\"b+\"}", "\"abbc\"", true)]
    [InlineData("{\"type\":\"string\",\"pattern\":\"b+\"}", "\"ac\"", false)]
    [InlineData("{\"type\":\"string\",\"pattern\":\"^\\\"$\"}", "\"\\\"\"", true)]
    [InlineData("{\"type\":\"string\",\"format\":\"date\"}", "\"2026-11-22\"", true)]
    [InlineData("{\"type\":\"string\",\"format\":\"date\"}", "\"2026-13-22\"", false)]
    [InlineData("{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"minItems\":1,\"maxItems\":2}", "[true, false]", true)]
    [InlineData("{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"minItems\":1,\"maxItems\":2}", "[]", false)]
    [InlineData("{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"minItems\":1,\"maxItems\":2}", "[true,true,true]", false)]
    [InlineData("{\"type\":\"array\",\"maxItems\":0}", "[]", true)]
    [InlineData("{\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"null\"},\"c\":{\"type\":\"null\"}},\"required\":[\"b\"]}",
        "{\"b\":null,\"c\":null}", true)]
    [InlineData("{\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"null\"},\"c\":{\"type\":\"null\"}},\"required\":[\"b\"]}",
        "{\"a\":null,\"c\":null}", false)]
    [InlineData("{\"properties\":{\"a\":{\"type\":\"null\"}}}", "{}", true)]
    [InlineData("{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}", "{\"x\":1,\"y\":2}", true)]
    [InlineData("{\"enum\":[1,\"a\u00e9\\\"\",{\"k\":[]}]}", "{\"k\":[]}", true)]
    [InlineData("{\"enum\":[{\"\ud83d\ude00\":[\"\u2028\",1.50,\"\\u0000\"]}]}", "{\"\ud83d\ude00\":[\"\u2028\",1.50,\"\\u0000\"]}", true)]
    [InlineData("{\"properties\":{\"\ud83d\ude00\":{\"const\":null}},\"required\":[\"\ud83d\ude00\"]}", "{\"\ud83d\ude00\":null}", true)]
    [InlineData("{\"enum\":[1,\"a\u00e9\\\"\",{\"k\":[]}]}", "\"a\u00e9\\\"\"", true)]
    public void ValuesAreToldApart(string schema, string json, bool allowed) =>
        Assert.Equal(allowed, RandomText.Allows(Constraint.JsonSchema(schema), json));

    [Fact]
    public void EveryRandomAnswerParsesWhateverTheLimit()
    {
        Constraint constraint = Constraint.JsonSchema(Npc);
        int shortest = constraint.ShortestTokens(RandomText.Tokenizer);
        Assert.InRange(shortest, 20, constraint.ShortestBytes);
        var random = new Random(7);
        for (int i = 0; i < 300; i++)
        {
            using JsonDocument answer = JsonDocument.Parse(RandomText.Of(constraint, shortest + (i < 100 ? 0 : random.Next(80)), random));
            JsonElement root = answer.RootElement;
            Assert.Equal(["say", "emotion", "action", "trust"], root.EnumerateObject().Select(p => p.Name));
            Assert.InRange(root.GetProperty("say").GetString()!.EnumerateRunes().Count(), 0, 40);
            Assert.Contains(root.GetProperty("emotion").GetString(), new[] { "calm", "angry", "afraid" });
            Assert.InRange(root.GetProperty("trust").GetInt32(), -5, 120);
            JsonElement action = root.GetProperty("action");
            if (action.ValueKind != JsonValueKind.Null) Assert.Matches("^[a-z]{1,8}$", action.GetProperty("target").GetString());
        }
    }

    /// <summary>So many bytes are never searched for fewer tokens; each byte then counts as one.</summary>
    [Theory]
    [InlineData("{\"type\":\"string\",\"minLength\":10000}", 10002)]
    [InlineData("{\"type\":\"array\",\"minItems\":500,\"items\":{\"enum\":[\"bbbbbbbb\",\"ccccccccc\"]}}", 5501)]
    public void AVeryLongShortestAnswerIsNotSearchedForLong(string schema, int bytes)
    {
        Constraint constraint = Constraint.JsonSchema(schema);
        Assert.Equal(bytes, constraint.ShortestBytes);
        Assert.Equal(bytes, constraint.ShortestTokens(RandomText.Tokenizer));
        ConstrainedText text = constraint.Begin(RandomText.Tokenizer, bytes);
        for (int used = 0; used < 500; used++)
        {
            ReadOnlySpan<uint> allowed = text.Allowed(bytes - used);
            int token = 3;
            while ((allowed[token / 32] >> (token % 32) & 1) == 0) token++;
            text.Accept(token);
        }
        Assert.Throws<GrammarException>(() => constraint.Begin(RandomText.Tokenizer, bytes - 1));
    }

    [Fact]
    public void AStepWithVeryManyEdgesIsRefused()
    {
        // 3000 places the text can be in, each with 200 ways on.
        string grammar = "root ::= " + string.Join(" | ", Enumerable.Range(0, 3000).Select(i => $"\"a\" r \"{i}\"")) + "\nr ::= "
            + string.Join(" | ", Enumerable.Range(0, 200).Select(i => $"\"b\" \"{i}\""));
        Constraint constraint = Constraint.Gbnf(grammar, new ConstraintLimits { MaxStates = 500_000 });
        Assert.Contains("ambiguous", Assert.Throws<GrammarException>(() => constraint.Begin(RandomText.Tokenizer, 1000)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void ALimitBelowTheShortestAnswerIsRefused()
    {
        Constraint constraint = Constraint.JsonSchema(Npc);
        int shortest = constraint.ShortestTokens(RandomText.Tokenizer);
        Assert.Contains($"{shortest} tokens",
            Assert.Throws<GrammarException>(() => constraint.Begin(RandomText.Tokenizer, shortest - 1)).Message, StringComparison.Ordinal);
    }

    /// <summary>More than a text may be in places of the grammar at once: texts that begin alike are one place.</summary>
    [Fact]
    public void OneOfVeryManyTextsIsNotAmbiguous()
    {
        string[] items = [.. Enumerable.Range(0, 5000).Select(i => $"item number {i}")];
        Constraint constraint = Constraint.JsonSchema(JsonSerializer.Serialize(new { @enum = items }));
        foreach (int i in (int[])[0, 4, 49, 4999]) Assert.True(RandomText.Allows(constraint, $"\"item number {i}\""));
        foreach (string text in (string[])["\"item number 5000\"", "\"item number \"", "\"item number 04\""])
            Assert.False(RandomText.Allows(constraint, text), text);
        Constraint chain = Constraint.OneOf(Enumerable.Range(0, 300).Select(i => new string('a', i)));
        foreach (int length in (int[])[0, 1, 199, 201, 299]) Assert.True(RandomText.Allows(chain, new string('a', length)));
        Assert.False(RandomText.Allows(chain, new string('a', 300)));
    }

    [Fact]
    public void ASchemaMayContainItself()
    {
        Constraint constraint = Constraint.JsonSchema("""{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v","next"]}}}""");
        Assert.True(RandomText.Allows(constraint, """{"v":1,"next":{"v":2,"next":null}}"""));
        Assert.False(RandomText.Allows(constraint, """{"v":1,"next":{"v":2,"next":null}"""));
        var random = new Random(3);
        for (int i = 0; i < 100; i++) JsonDocument.Parse(RandomText.Of(constraint, 30 + random.Next(100), random)).Dispose();
    }

    [Theory]
    [InlineData("{", "not JSON")]
    [InlineData("3", "an object or true")]
    [InlineData("{\"type\":\"strin\"}", "'strin'")]
    [InlineData("{\"not\":{}}", "\"not\"")]
    [InlineData("{\"oneOf\":[]}", "\"oneOf\"")]
    [InlineData("{\"type\":\"object\",\"patternProperties\":{}}", "\"patternProperties\"")]
    [InlineData("{\"type\":\"string\",\"maxLength\":-1}", "\"maxLength\"")]
    [InlineData("{\"type\":\"string\",\"minLength\":3,\"maxLength\":2}", "minLength")]
    [InlineData("{\"type\":\"string\",\"format\":\"colour\"}", "'colour'")]
    [InlineData("{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}", "nothing satisfies")]
    [InlineData("{\"$ref\":\"http://example.org/x\"}", "http://example.org/x")]
    [InlineData("{\"$ref\":\"#/$defs/none\"}", "#/$defs/none")]
    [InlineData("{\"$ref\":\"#\"}", "No text can match")]
    [InlineData("{\"type\":\"object\",\"properties\":{\"self\":{\"$ref\":\"#\"}},\"required\":[\"self\"]}", "No text can match")]
    [InlineData("{\"required\":[\"x\"],\"type\":\"object\"}", "'x'")]
    [InlineData("{\"anyOf\":[]}", "No text can match")]
    [InlineData("{\"enum\":[1],\"type\":\"string\"}", "no value is possible")]
    [InlineData("{\"type\":7}", "\"type\"")]
    [InlineData("{\"type\":[7]}", "\"type\"")]
    [InlineData("{\"$ref\":\"#part\"}", "'#part'")]
    [InlineData("{\"pattern\":\"\\ud800\"}", "surrogate")]
    [InlineData("{\"properties\":{\"\\ud800\":true}}", "surrogate")]
    [InlineData("{\"type\":\"number\",\"multipleOf\":0.000001,\"minimum\":7e28,\"maximum\":7.1e28}", "15 digits")]
    [InlineData("{\"type\":\"integer\",\"minimum\":1e15}", "minimum")]
    [InlineData("{\"type\":\"number\",\"maximum\":-7e28}", "minimum")]
    [InlineData("{\"enum\":7}", "\"enum\"")]
    [InlineData("{\"required\":7,\"type\":\"object\"}", "\"required\"")]
    [InlineData("{\"properties\":[]}", "\"properties\"")]
    [InlineData("{\"properties\":{\"a\":{\"type\":\"integer\"},\"a\":{\"type\":\"string\"}}}", "'a' twice")]
    public void WhatIsNotUnderstoodIsRefused(string schema, string mentions) =>
        Assert.Contains(mentions, Assert.Throws<GrammarException>(() => Constraint.JsonSchema(schema)).Message, StringComparison.Ordinal);

    /// <summary>The bounds that JavaScript's schema libraries state for every integer.</summary>
    [Fact]
    public void BoundsBeyondTheLongestNumberBoundNothing()
    {
        Constraint constraint = Constraint.JsonSchema("""{"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991}""");
        foreach (string number in (string[])["0", "-999999999999999", "999999999999999"])
            Assert.True(RandomText.Allows(constraint, number), number);
        Constraint half = Constraint.JsonSchema("""{"type":"number","minimum":0.5,"maximum":7e28}""");
        Assert.True(RandomText.Allows(half, "0.50"));
        Assert.False(RandomText.Allows(half, "0.49"));
        Assert.False(RandomText.Allows(half, "-1"));
        // Integers reach further than numbers with decimals.
        Constraint far = Constraint.JsonSchema("""{"type":"number","minimum":100000000000000}""");
        Assert.True(RandomText.Allows(far, "100000000000000"));
        Assert.False(RandomText.Allows(far, "99999999999999"));
        Assert.False(RandomText.Allows(far, "99999999999999.99"));
    }

    [Fact]
    public void DeepSchemasAreRefused() => Assert.Throws<GrammarException>(() =>
        Constraint.JsonSchema(string.Concat(Enumerable.Repeat("{\"items\":", 5000)) + "true" + new string('}', 5000)));
}
