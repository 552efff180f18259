using System.Text;
using MixtralVk.Grammar;
using MixtralVk.Tests.Tokenization;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Grammar;

/// <summary>Answers that a constraint allows, chosen at random: what the wildest model could say.</summary>
internal static class RandomText
{
    /// <summary>Bytes, and pieces that cross the borders of JSON's parts, with several bytes of one character and whole words.</summary>
    public static readonly Tokenizer Tokenizer = new(Vocabularies.Of(
        ["\u2581", "{\"", "\":", "\",", "\u2581\"", "\"}", "}}", "],", "true", "fal", "se", "null", "12", "0.", "say", "name", "a", "b",
        "abc", "\u00e9", "\u4e16\u754c",
            "\ud83d\ude00", "\\\"", "\\u00", "\\n", "aaaaaaaa", "\u2581the", "-", "1e", "\"a\":", "[]", "{}", "T", ":0"]));

    /// <summary>Takes allowed tokens until the answer ends; checks on the way that there always is one.</summary>
    public static string Of(Constraint constraint, int maxTokens, Random random)
    {
        ConstrainedText text = constraint.Begin(Tokenizer, maxTokens);
        var bytes = new List<byte>();
        for (int used = 0; used < maxTokens && !text.IsFinal; used++)
        {
            int[] allowed = [.. Bits(text.Allowed(maxTokens - used))];
            Assert.NotEmpty(allowed);
            int token = allowed[random.Next(allowed.Length)];
            if (Tokenizer.IsEnd(token)) break;
            text.Accept(token);
            bytes.AddRange(Tokenizer.ByteOf(token) is >= 0 and int value ? [(byte)value] : Encoding.UTF8.GetBytes(Tokenizer.TextOf(token)));
        }
        Assert.True(text.IsComplete);
        string result = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString([.. bytes]);
        return constraint.SkipsSpace && result.StartsWith(' ') ? result[1..] : result;
    }

    /// <summary>True when the constraint allows the text, byte by byte.</summary>
    public static bool Allows(Constraint constraint, string text)
    {
        ConstrainedText state = constraint.Begin(Tokenizer, int.MaxValue);
        foreach (byte value in Encoding.UTF8.GetBytes(text))
        {
            int token = 3 + value; // byte tokens follow the three marks
            if ((state.Allowed(int.MaxValue)[token / 32] >> (token % 32) & 1) == 0) return false;
            state.Accept(token);
        }
        return state.IsComplete;
    }

    private static List<int> Bits(ReadOnlySpan<uint> mask)
    {
        var tokens = new List<int>();
        for (int token = 0; token < mask.Length * 32; token++)
            if ((mask[token / 32] >> (token % 32) & 1) != 0) tokens.Add(token);
        return tokens;
    }
}
