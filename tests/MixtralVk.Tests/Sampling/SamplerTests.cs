using MixtralVk.Sampling;
using MixtralVk.Testing;

namespace MixtralVk.Tests.Sampling;

public class SamplerTests
{
    private static readonly SamplingOptions s_open = new() { Temperature = 1, TopK = 0, TopP = 1, MinP = 0, Seed = 1 };

    [Fact]
    public void TemperatureZeroTakesTheLikeliestAndOfEqualOnesTheLowerId()
    {
        var sampler = new Sampler(new SamplingOptions { Temperature = 0 }, 5);
        Assert.Equal(3, sampler.Sample([1, -2, 0, 7, 6]));
        Assert.Equal(1, sampler.Sample([1, 7, 0, 7, 7]));
        Assert.Equal(0, sampler.Sample([-0f, 0f, -1, 0, 0]));
        Assert.Equal(4, sampler.Sample([-9, -8, -7, -6, -5]));
    }

    [Fact]
    public void NanAndInfinityAreHandled()
    {
        foreach (float temperature in new[] { 0f, 1f })
        {
            var sampler = new Sampler(s_open with { Temperature = temperature }, 4);
            for (int i = 0; i < 50; i++)
            {
                Assert.Equal(2, sampler.Sample([float.NaN, float.NegativeInfinity, 0, float.NaN]));
                Assert.Equal(1, sampler.Sample([0, float.PositiveInfinity, float.NaN, 5]));
            }
            Assert.Throws<NoTokenException>(() => sampler.Sample([float.NaN, float.NaN, float.NegativeInfinity, float.NaN]));
        }
    }

    [Fact]
    public void FrequenciesAreTheSoftmax()
    {
        float[] logits = [0, 1, 2, -1];
        Assert.Equal(Softmax(logits, 1), Frequencies(s_open, logits), Within(0.01));
        Assert.Equal(Softmax(logits, 0.5), Frequencies(s_open with { Temperature = 0.5f }, logits), Within(0.01));
    }

    [Theory]
    [InlineData(2, 1f, 0f, 2)]      // top-k
    [InlineData(0, 0.6f, 0f, 1)]    // the first alone has 0.64
    [InlineData(0, 0.7f, 0f, 2)]
    [InlineData(0, 1f, 0.3f, 2)]    // the second is 0.37 times as likely as the first, the third 0.135 times
    [InlineData(0, 1f, 0.1f, 3)]
    [InlineData(3, 0.7f, 0.5f, 1)]  // the narrowest cut counts
    [InlineData(99, 1f, 0f, 4)]
    public void CutsKeepTheLikeliest(int topK, float topP, float minP, int kept)
    {
        double[] frequencies = Frequencies(s_open with { TopK = topK, TopP = topP, MinP = minP }, [-1, 2, 0, 1]);
        int[] likeliestFirst = [1, 3, 2, 0];
        Assert.All(likeliestFirst[..kept], id => Assert.True(frequencies[id] > 0));
        Assert.All(likeliestFirst[kept..], id => Assert.Equal(0, frequencies[id]));
    }

    [Fact]
    public void TopKEqualsSortingForManyLogits()
    {
        var random = new Random(3);
        float[] logits = [.. Enumerable.Range(0, 5000).Select(_ => (float)random.Next(-500, 500) / 7)];
        var likeliest = Enumerable.Range(0, logits.Length).OrderByDescending(id => logits[id]).ThenBy(id => id).Take(30).ToHashSet();
        var sampler = new Sampler(s_open with { TopK = 30, Temperature = 50 }, logits.Length);
        var seen = Enumerable.Range(0, 2000).Select(_ => sampler.Sample(logits)).ToHashSet();
        Assert.Equal(likeliest, seen);
    }

    [Fact]
    public void SameSeedSameTokens()
    {
        float[] logits = [.. Enumerable.Range(0, 100).Select(i => MathF.Sin(i))];
        int[] Draw(ulong? seed, out ulong used)
        {
            var sampler = new Sampler(s_open with { Seed = seed }, 100);
            used = sampler.Seed;
            return [.. Enumerable.Range(0, 40).Select(_ => sampler.Sample(logits))];
        }
        int[] first = Draw(17, out _);
        Assert.Equal(first, Draw(17, out _));
        Assert.NotEqual(first, Draw(18, out _));
        int[] unseeded = Draw(null, out ulong seed);
        Assert.Equal(unseeded, Draw(seed, out _));
    }

    [Fact]
    public void RepetitionPenaltyLooksAtTheWindow()
    {
        var sampler = new Sampler(new SamplingOptions { Temperature = 0, RepetitionPenalty = 2, RepetitionWindow = 2 }, 3);
        float[] logits = [4, 3, -1];
        Assert.Equal(0, sampler.Sample(logits));
        sampler.Accept(0);
        Assert.Equal(1, sampler.Sample(logits)); // 4 / 2 < 3
        sampler.Accept(2);
        sampler.Accept(2);
        Assert.Equal(0, sampler.Sample(logits)); // token 0 has left the window
        for (int i = 0; i < 7; i++) { sampler.Accept(1); sampler.Accept(0); }
        Assert.Equal(2, sampler.Sample([-1, -1, -1.5f])); // -1 * 2 < -1.5
    }

    /// <summary>What overflows stays a number: infinity less infinity would be none, and no token could follow.</summary>
    [Fact]
    public void PenaltiesWithoutMeasureForbidNothing()
    {
        var sampler = new Sampler(new SamplingOptions { RepetitionPenalty = float.Epsilon, FrequencyPenalty = float.MaxValue, Seed = 1 }, 2);
        for (int i = 0; i < 8; i++) sampler.Accept(i % 2);
        Assert.InRange(sampler.Sample([1, 2]), 0, 1);
    }

    [Fact]
    public void SamplingAllocatesNothing()
    {
        float[] logits = [.. Enumerable.Range(0, 2048).Select(i => MathF.Sin(i) * 5)];
        SamplingOptions[] all =
        [
            new() { RepetitionPenalty = 1.1f, DryMultiplier = 0.8f, DryWindow = 100, LogitBias = new Dictionary<int, float> { [3] = 1 },
                Adjust = (l, _) => l[7] = 0 },
            new() { TopK = 0, TypicalP = 0.9f, XtcProbability = 0.5f, DynamicTemperatureRange = 0.5f }, new() { TopNSigma = 1 }, new()
                { MirostatTau = 5 },
            new() { TopK = 0 }, new() { Order = [SamplingStep.TopP, SamplingStep.Penalties, SamplingStep.MinP], FrequencyPenalty = 1 },
            s_open, new() { Temperature = 0 },
        ];
        foreach (SamplingOptions options in all)
        {
            var sampler = new Sampler(options, logits.Length);
            sampler.Accept(sampler.Sample(logits));
            Assert.Equal(0, Allocations.Of(() =>
            {
                for (int i = 0; i < 20; i++) sampler.Accept(sampler.Sample(logits));
            }));
        }
    }

    [Fact]
    public void OptionsOutOfRangeAreRefused()
    {
        SamplingOptions[] bad =
        [
            new() { Temperature = -1 }, new() { Temperature = float.NaN }, new() { TopK = -1 }, new() { TopP = 0 }, new()
                { TopP = float.NaN },
            new() { MinP = 2 }, new() { RepetitionPenalty = 0 }, new() { RepetitionWindow = -1 }, new GenerationOptions { MaxTokens = 0 },
            new() { DynamicTemperatureRange = -1 }, new() { TypicalP = 0 }, new() { TopNSigma = -1 }, new() { XtcProbability = 2 }, new()
                { XtcThreshold = 0 },
            new() { MirostatTau = -1 }, new() { MirostatEta = 0 }, new() { FrequencyPenalty = float.NaN }, new()
                { PresencePenalty = float.PositiveInfinity },
            new() { DryMultiplier = -1 }, new() { DryBase = 0.5f }, new() { DryAllowedLength = 0 }, new() { DryWindow = -1 },
            new() { LogitBias = new Dictionary<int, float> { [-1] = 0 } }, new()
                { LogitBias = new Dictionary<int, float> { [1] = float.NaN } },
            new() { Order = [SamplingStep.TopK, SamplingStep.TopK] }, new() { Order = [(SamplingStep)99] },
            new GenerationOptions { MinTokens = 5, MaxTokens = 4 }, new GenerationOptions { LogProbabilities = -1 },
            new GenerationOptions { BannedStrings = [""] },
            new GenerationOptions { BannedStrings = [new string('x', 20_000)] }, new GenerationOptions { DryBreakers = [""] },
            new GenerationOptions { StopStrings = [""] },
        ];
        Assert.All(bad, options => Assert.Throws<ArgumentOutOfRangeException>(options.Validate));
        Assert.Throws<ArgumentException>(() => new Sampler(s_open, 3).Sample([1, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new Sampler(s_open with { LogitBias = new Dictionary<int, float> { [3] = 1 } }, 3));
    }

    /// <summary>The published first numbers of the generator's demo (seed 42, stream 54).</summary>
    [Fact]
    public void RandomNumbersArePcg32()
    {
        var random = new Pcg32(42, 54);
        uint[] expected = [0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e];
        Assert.Equal(expected, expected.Select(_ => random.NextUInt32()));
        Assert.All(Enumerable.Range(0, 1000), _ => Assert.InRange(random.NextDouble(), 0, 1 - 1e-10));
    }

    private static double[] Frequencies(SamplingOptions options, float[] logits)
    {
        const int draws = 40_000;
        var sampler = new Sampler(options, logits.Length);
        double[] counts = new double[logits.Length];
        for (int i = 0; i < draws; i++) counts[sampler.Sample(logits)] += 1.0 / draws;
        return counts;
    }

    private static double[] Softmax(float[] logits, double temperature)
    {
        double[] weights = [.. logits.Select(logit => Math.Exp(logit / temperature))];
        return [.. weights.Select(weight => weight / weights.Sum())];
    }

    private static Func<double, double, bool> Within(double tolerance) => (a, b) => Math.Abs(a - b) < tolerance;
}
