using System.Buffers;

namespace MixtralVk.Tokenization;

/// <summary>
/// Finds the tokens that are written out in a text: user-defined ones, and where the caller asks for it control tokens. Thread-safe.
/// </summary>
internal sealed class SpecialTokens
{
    private readonly (string Text, int Token)[] _longestFirst;
    private readonly SearchValues<string> _texts;

    public SpecialTokens(IEnumerable<(string Text, int Token)> tokens)
    {
        _longestFirst = [.. tokens.Where(t => t.Text.Length > 0).OrderByDescending(t => t.Text.Length)];
        _texts = SearchValues.Create(_longestFirst.Select(t => t.Text).ToArray(), StringComparison.Ordinal);
    }

    /// <summary>The leftmost special token in the text, the longest of those that begin there.</summary>
    public bool TryFind(ReadOnlySpan<char> text, out int start, out int length, out int token)
    {
        start = _longestFirst.Length == 0 ? -1 : text.IndexOfAny(_texts);
        length = 0;
        token = -1;
        if (start < 0) return false;
        foreach ((string special, int id) in _longestFirst)
        {
            if (!text[start..].StartsWith(special, StringComparison.Ordinal)) continue;
            length = special.Length;
            token = id;
            return true;
        }
        return false;
    }
}
