namespace MixtralVk.Server.Kiosk;

/// <summary>
/// Ranks texts by the terms they share with a question: BM25 (Robertson and Zaragoza 2009, k1 = 1.2, b = 0.75). Immutable and thread-safe.
/// </summary>
internal sealed class LexicalIndex
{
    private const double Saturation = 1.2, LengthWeight = 0.75;

    private readonly Dictionary<string, List<(int Text, int Count)>> _postings = new(StringComparer.Ordinal);
    private readonly int[] _lengths;
    private readonly double _meanLength;

    public LexicalIndex(IReadOnlyList<string> texts)
    {
        _lengths = new int[texts.Count];
        for (int text = 0; text < texts.Count; text++)
            foreach (IGrouping<string, string> term in Terms.Of(texts[text]).GroupBy(term => term, StringComparer.Ordinal))
            {
                if (!_postings.TryGetValue(term.Key, out List<(int, int)>? postings)) _postings.Add(term.Key, postings = []);
                int count = term.Count();
                postings.Add((text, count));
                _lengths[text] += count;
            }
        _meanLength = texts.Count > 0 ? Math.Max(1, _lengths.Average()) : 1;
    }

    /// <summary>
    /// For each text its score, and how much of the question it has: the share, weighted by rarity, of the question's terms that are in it.
    /// Terms that are in no text at all count as the rarest.
    /// </summary>
    public (double Score, double Coverage)[] Rank(string question)
    {
        var ranks = new (double Score, double Coverage)[_lengths.Length];
        double all = 0;
        foreach (string term in Terms.Of(question).Distinct(StringComparer.Ordinal))
        {
            List<(int Text, int Count)> postings = _postings.GetValueOrDefault(term) ?? [];
            double rarity = Math.Log(1 + (_lengths.Length - postings.Count + 0.5) / (postings.Count + 0.5));
            all += rarity;
            foreach ((int text, int count) in postings)
            {
                double length = 1 - LengthWeight + LengthWeight * _lengths[text] / _meanLength;
                ranks[text].Score += rarity * count * (Saturation + 1) / (count + Saturation * length);
                ranks[text].Coverage += rarity;
            }
        }
        for (int text = 0; all > 0 && text < ranks.Length; text++) ranks[text].Coverage /= all;
        return ranks;
    }
}
