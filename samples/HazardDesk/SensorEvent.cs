using System.Globalization;

namespace MixtralVk.HazardDesk;

/// <summary>A reading: <c>hall-2/gas/methane 1.9 %LEL limit 1.0</c>.</summary>
/// <param name="Topic">Where it comes from; its first part is the place.</param>
/// <param name="Value">The reading; null where it is a word, or missing.</param>
/// <param name="Limit">What it should not exceed; null where the line has none.</param>
internal sealed record SensorEvent(string Topic, double? Value, double? Limit)
{
    /// <summary>The place.</summary>
    public string Location => Topic.Split('/')[0];

    /// <summary>How bad it is, by the figures alone.</summary>
    public string Severity => (Value, Limit) switch
    {
        (double value, double limit) when value >= limit + Math.Abs(limit) / 2 => "critical",
        (double value, double limit) when value >= limit => "warning",
        (not null, _) => "info",
        _ => "unknown",
    };

    public static SensorEvent Parse(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int limit = Array.IndexOf(words, "limit");
        if (limit < 1) return new SensorEvent(words[0], Number(words.ElementAtOrDefault(1)), null);
        // Without a limit that can be read the reading cannot be judged: it counts as none.
        double? most = Number(words.ElementAtOrDefault(limit + 1));
        return new SensorEvent(words[0], most is null ? null : Number(words[1]), most);
    }

    private static double? Number(string? word) => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture,
        out double number) && double.IsFinite(number) ? number : null;
}
