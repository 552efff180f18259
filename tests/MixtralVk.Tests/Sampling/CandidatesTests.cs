using MixtralVk.Sampling;

namespace MixtralVk.Tests.Sampling;

/// <summary>Selection by vectors against plain sorting, at lengths around the width of the vectors.</summary>
public class CandidatesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(31)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(130)]
    [InlineData(3001)]
    public void SelectingIsSorting(int vocab)
    {
        float[] logits = Hard(vocab);
        int[] sorted = [.. Enumerable.Range(0, vocab).Where(id => logits[id] > float.NegativeInfinity)
            .OrderByDescending(id => logits[id] + 0f).ThenBy(id => id)];
        foreach (int count in new[] { 1, 2, 40, vocab })
            Assert.Equal(sorted.Take(count), Ids(new Candidates(count).Likeliest(logits, count)));
        foreach (float least in new[] { 3f, 0f, -2.5f, float.MinValue })
            Assert.Equal(sorted.TakeWhile(id => logits[id] >= least), Ids(new Candidates(vocab).AtLeast(logits, least)));
    }

    [Fact]
    public void ACandidateKeepsItsLogit()
    {
        float[] logits = [-1.5f, 0, 3e-40f, 7, float.MaxValue, float.MinValue];
        Assert.All(new Candidates(6).Likeliest(logits, 6).ToArray(),
            key => Assert.Equal(logits[Candidates.TokenOf(key)], Candidates.LogitOf(key)));
    }

    /// <summary>
    /// The cuts without top-k sort only a part of the tokens: they must choose what sorting all but the least likely one chooses.
    /// </summary>
    [Theory]
    [InlineData(0.95f, 0f, 1f)]
    [InlineData(0.5f, 0f, 4f)]
    [InlineData(0.999f, 0f, 0.2f)]
    [InlineData(1f, 0.05f, 1f)]
    [InlineData(0.9f, 0.01f, 2f)]
    [InlineData(1f, 0f, 1f)]
    public void CutsWithoutTopKChooseTheSameTokens(float topP, float minP, float spread)
    {
        const int vocab = 999;
        var random = new Random(4);
        var options = new SamplingOptions { Temperature = 1.3f, TopP = topP, MinP = minP, Seed = 9 };
        Sampler open = new(options with { TopK = 0 }, vocab), sorting = new(options with { TopK = vocab - 1 }, vocab);
        var logits = new float[vocab];
        for (int step = 0; step < 100; step++)
        {
            for (int i = 0; i < vocab; i++) logits[i] = spread * 8 * (random.NextSingle() + random.NextSingle() - 1);
            logits[500] = float.NegativeInfinity; // the one that sorting leaves out
            Assert.Equal(sorting.Sample(logits), open.Sample(logits));
        }
    }

    /// <summary>Equal values, both zeros, NaN and infinities among numbers.</summary>
    private static float[] Hard(int count)
    {
        var random = new Random(count);
        float[] odd = [float.NaN, float.NegativeInfinity, 0, -0f, 5, 5, float.MinValue];
        return [.. Enumerable.Range(0, count)
            .Select(i => i % 5 == 0 ? odd[random.Next(odd.Length)] : MathF.Round(20 * random.NextSingle() - 10, 1))];
    }

    private static int[] Ids(ReadOnlySpan<ulong> keys)
    {
        var ids = new int[keys.Length];
        for (int i = 0; i < ids.Length; i++) ids[i] = Candidates.TokenOf(keys[i]);
        return ids;
    }
}
