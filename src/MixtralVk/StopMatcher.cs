namespace MixtralVk;

/// <summary>Finds stop strings in a text that arrives in pieces, and holds back what may be the beginning of one.</summary>
internal sealed class StopMatcher
{
    private readonly IReadOnlyList<string> _stops;
    private string _held = "";

    public StopMatcher(IReadOnlyList<string> stops) => _stops = stops;

    /// <summary>True once a stop string has appeared.</summary>
    public bool Stopped { get; private set; }

    /// <summary>The text that is certain now; after a stop string nothing is.</summary>
    public string Append(string piece)
    {
        if (_stops.Count == 0) return piece;
        if (Stopped || piece.Length == 0) return "";
        string text = _held + piece;
        int stop = FirstStop(text);
        Stopped = stop >= 0;
        int certain = Stopped ? stop : text.Length - LongestBeginning(text);
        _held = Stopped ? "" : text[certain..];
        return text[..certain];
    }

    /// <summary>What was held back: the text ends here.</summary>
    public string Flush()
    {
        string rest = _held;
        _held = "";
        return rest;
    }

    private int FirstStop(string text)
    {
        int first = -1;
        foreach (string stop in _stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (first < 0 || at < first)) first = at;
        }
        return first;
    }

    /// <summary>Length of the longest end of the text with which a stop string begins.</summary>
    private int LongestBeginning(string text)
    {
        int longest = 0;
        foreach (string stop in _stops)
            for (int length = Math.Min(stop.Length - 1, text.Length); length > longest; length--)
                if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length))) longest = length;
        return longest;
    }
}
