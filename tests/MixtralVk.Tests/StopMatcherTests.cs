namespace MixtralVk.Tests;

public class StopMatcherTests
{
    [Theory]
    [InlineData("END", "Hello END more", "Hello ")]
    [InlineData("END", "Hello EN", "Hello EN")]
    [InlineData("aab", "aaaab", "aa")]
    [InlineData("\n\n|User:", "one\ntwo User: x\n\n", "one\ntwo ")]
    [InlineData("b|ab", "xab", "x")]
    [InlineData("zzz", "", "")]
    public void TextEndsBeforeTheFirstStopHoweverItArrives(string stops, string text, string expected)
    {
        for (int size = 1; size <= text.Length + 1; size++)
        {
            var matcher = new StopMatcher(stops.Split('|'));
            string seen = "";
            for (int at = 0; at < text.Length && !matcher.Stopped; at += size)
            {
                seen += matcher.Append(text.Substring(at, Math.Min(size, text.Length - at)));
                Assert.StartsWith(seen, expected, StringComparison.Ordinal); // nothing is taken back
            }
            Assert.Equal(expected, seen + matcher.Flush());
            Assert.Equal(expected != text, matcher.Stopped);
        }
    }

    [Fact]
    public void WithoutStopsPiecesPassThroughUntouched()
    {
        string piece = new('a', 3);
        Assert.Same(piece, new StopMatcher([]).Append(piece));
    }
}
