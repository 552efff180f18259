namespace MixtralVk.Server.Kiosk;

/// <summary>
/// The passages of one state of the folder, found by their words and, once their vectors are there, by these as well. Immutable and
/// thread-safe.
/// </summary>
/// <param name="Passages">The passages.</param>
/// <param name="VectorWeight">What a cosine of 1 counts beside the words of the whole question.</param>
internal sealed record Shelf(IReadOnlyList<Passage> Passages, double VectorWeight)
{
    /// <summary>How much of a question must be in a passage for the passage to be about it.</summary>
    private const double LeastCoverage = 0.5;

    private readonly LexicalIndex _words = new([.. Passages.Select(passage => passage.Searched)]);

    /// <summary>The passages' vectors; null where words alone count.</summary>
    public VectorIndex? Vectors { get; init; }

    /// <summary>
    /// The passages that are about a question, the best first: those whose share of its words and weighted cosine are enough, by their
    /// share of the best BM25 score and the weighted cosine.
    /// </summary>
    /// <param name="question">The question.</param>
    /// <param name="count">Most passages.</param>
    /// <param name="embed">Makes the question's vector; called at most once, and only where that can change what is found.</param>
    public async Task<IReadOnlyList<Passage>> SearchAsync(string question, int count, Func<string, Task<float[]>> embed)
    {
        if (!Terms.Of(question).Any()) return []; // nothing but words that every question has
        (double Score, double Coverage)[] words = _words.Rank(question);
        double best = words.Select(each => each.Score).DefaultIfEmpty().Max();
        double[] vectors = new double[words.Length];
        if (Vectors is not null && !IsDecided(words))
            vectors = [.. Vectors.Cosines(await embed(question).ConfigureAwait(false)).Select(cosine => VectorWeight * cosine)];
        return [.. Enumerable.Range(0, words.Length).Where(i => words[i].Coverage + Math.Max(0, vectors[i]) >= LeastCoverage)
            .OrderByDescending(i => (best > 0 ? words[i].Score / best : 0) + vectors[i]).Take(count).Select(i => Passages[i])];
    }

    /// <summary>True where no cosine can add a passage or change their order.</summary>
    private bool IsDecided((double Score, double Coverage)[] words)
    {
        int certain = words.Count(each => each.Coverage >= LeastCoverage),
            possible = words.Count(each => each.Coverage + VectorWeight >= LeastCoverage);
        return certain == possible && certain <= 1;
    }
}
