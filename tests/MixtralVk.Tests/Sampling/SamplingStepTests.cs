using MixtralVk.Sampling;

namespace MixtralVk.Tests.Sampling;

/// <summary>Every step against <see cref="ReferenceSampler"/>, and against figures that follow from its definition.</summary>
public class SamplingStepTests
{
    private static readonly SamplingOptions s_open = new() { Temperature = 1, TopK = 0, TopP = 1, MinP = 0, Seed = 1 };

    private static readonly SamplingOptions[] s_single =
    [
        s_open, s_open with { Temperature = 3 },
        s_open with { Temperature = 0.4f, DynamicTemperatureRange = 0.4f, DynamicTemperatureExponent = 1.7f },
        s_open with { TopK = 7 }, s_open with { TopP = 0.6f }, s_open with { MinP = 0.1f }, s_open with { TopNSigma = 0.7f },
        s_open with { TypicalP = 0.3f },
        s_open with { TypicalP = 0.97f }, s_open with { XtcProbability = 0.7f, XtcThreshold = 0.05f },
        s_open with { MirostatTau = 3, MirostatEta = 0.3f, Temperature = 1.5f },
        s_open with { RepetitionPenalty = 1.4f, RepetitionWindow = 5 }, s_open with { FrequencyPenalty = 0.6f, PresencePenalty = 0.4f },
        s_open with { DryMultiplier = 2, DryWindow = 40 },
        s_open with { DryMultiplier = 0.5f, DryBase = 3, DryAllowedLength = 1, DryWindow = 12 },
        s_open with { LogitBias = new Dictionary<int, float> { [3] = 2.5f, [4] = float.NegativeInfinity, [9] = -1 } },
        s_open with { Temperature = 0, RepetitionPenalty = 1.3f, TopP = 0.2f, XtcProbability = 1 },
    ];

    [Fact]
    public void EachStepIsItsDefinition()
    {
        foreach (SamplingOptions options in s_single) Compare(options, seed: 5);
    }

    [Fact]
    public void StepsInAnyCombinationAndOrderAreTheirDefinitions()
    {
        var random = new Random(6);
        for (int i = 0; i < 150; i++)
        {
            var options = new SamplingOptions
            {
                Temperature = 0.3f + 2 * random.NextSingle(), DynamicTemperatureRange = Or(0, 0.5f),
                TopK = (int)Or(0, 1 + random.Next(30)), TopP = Or(1, 0.8f), MinP = Or(0, 0.03f),
                TypicalP = Or(1, 0.7f), TopNSigma = Or(0, 1.5f), XtcProbability = Or(0, 0.5f), MirostatTau = random.Next(6) == 0 ? 4 : 0,
                RepetitionPenalty = Or(1, 1.2f), FrequencyPenalty = Or(0, 0.2f), PresencePenalty = Or(0, 0.3f), RepetitionWindow = 8,
                DryMultiplier = Or(0, 1), DryWindow = 30, LogitBias = new Dictionary<int, float> { [random.Next(50)] = Or(0, 3) },
                Adjust = random.Next(3) == 0 ? (logits, recent) => logits[recent.Length == 0 ? 0 : recent[^1]] -= 0.5f : null,
                Order = random.Next(2) == 0
                    ? SamplingOptions.UsualOrder : [.. SamplingOptions.UsualOrder.OrderBy(_ => random.Next()).Skip(random.Next(4))],
                Seed = (ulong)i,
            };
            Compare(options, seed: i);
        }

        float Or(float off, float on) => random.Next(2) == 0 ? off : on;
    }

    /// <summary>Tokens that two samplers choose for the same logits and the text they themselves make.</summary>
    private static void Compare(SamplingOptions options, int seed)
    {
        const int vocab = 70;
        var random = new Random(seed);
        uint[] breakers = [1u << 11, 0, 0];
        var sampler = new Sampler(options, vocab, breakers, scratch: null);
        var reference = new ReferenceSampler(options, new HashSet<int> { 11 });
        for (int step = 0; step < 60; step++)
        {
            // Sometimes a few tokens stand out, so that texts repeat themselves.
            float[] logits = [.. Enumerable.Range(0, vocab).Select(_ => 4 * random.NextSingle() * random.NextSingle() - 2)];
            for (int i = 0; i < 3; i++) logits[8 + (step + i) % 5] += step % 4;
            if (step % 7 == 0) (logits[3], logits[5]) = (float.NaN, float.NegativeInfinity);
            int expected = reference.Sample([.. logits.Select(l => float.IsNaN(l) ? float.NegativeInfinity : l)]),
                actual = sampler.Sample(logits);
            Assert.True(expected == actual, $"step {step}: {actual} for {expected}, {string.Join(' ', options.Order)}, {options}");
            int accepted = step % 3 == 0 ? 8 + step / 3 % 4 : expected;
            reference.Accept(accepted);
            sampler.Accept(accepted, accepted == 11);
        }
    }

    [Theory]
    [InlineData(0.5f, new[] { 0.97, 0.01, 0.01, 0.01 }, 1, 0)]
    [InlineData(0.5f, new[] { 0.4, 0.2, 0.2, 0.2 }, 3, 1)]   // the surprise of 0.2 is nearer to the expected one
    public void TypicalTakesWhatIsNearTheExpectedSurprise(float typical, double[] p, int kept, int first) =>
        Assert.Equal(Renormalised(p, first, kept), Frequencies(s_open with { TypicalP = typical }, p), Within);

    [Theory]
    [InlineData(0.09f, 3)]
    [InlineData(0.19f, 2)]
    [InlineData(0.29f, 1)]
    [InlineData(0.39f, 0)] // only one is above
    [InlineData(0.6f, 0)]
    public void XtcTakesAwayAllObviousTokensButTheLeastLikely(float threshold, int cut)
    {
        double[] p = [0.4, 0.3, 0.2, 0.1];
        Assert.Equal(Renormalised(p, cut, 4 - cut), Frequencies(s_open with { XtcProbability = 1, XtcThreshold = threshold }, p), Within);
        Assert.Equal(p, Frequencies(s_open with { XtcProbability = 0, XtcThreshold = threshold }, p), Within);
    }

    [Theory]
    [InlineData(1f, 2)]
    [InlineData(0.01f, 1)]
    [InlineData(3f, 4)]
    public void TopNSigmaCutsByTheDeviationOfTheLogits(float n, int kept)
    {
        double[] p = [0.4, 0.3, 0.2, 0.1]; // deviation of the logarithms: 0.52
        Assert.Equal(Renormalised(p, 0, kept), Frequencies(s_open with { TopNSigma = n }, p), Within);
    }

    [Fact]
    public void DynamicTemperatureIsLowWhereTheModelIsSure()
    {
        SamplingOptions dynamic = s_open with { Temperature = 1, DynamicTemperatureRange = 1 };
        double[] sure = Frequencies(dynamic, [0.97, 0.01, 0.01, 0.01]), unsure = Frequencies(dynamic, [0.27, 0.25, 0.24, 0.24]);
        Assert.True(sure[0] > 0.999);
        Assert.Equal(Softmax([0.27, 0.25, 0.24, 0.24], 2), unsure, Within);
    }

    [Fact]
    public void MirostatHoldsTheSurprise()
    {
        // Zipf's law over 2000 tokens: 7.4 bits by itself.
        float[] logits = [.. Enumerable.Range(1, 2000).Select(rank => -MathF.Log(rank))];
        foreach (float tau in new[] { 2f, 4f, 6f })
        {
            var sampler = new Sampler(s_open with { MirostatTau = tau }, logits.Length);
            int[] drawn = [.. Enumerable.Range(0, 3000).Select(_ => sampler.Sample(logits))];
            int kept = drawn.Max() + 1;
            double keptSum = logits.Take(kept).Sum(l => Math.Exp(l));
            double bits = drawn.Average(t => -Math.Log2(Math.Exp(logits[t]) / keptSum));
            Assert.InRange(bits, tau - 0.8, tau + 1.2);
            Assert.True(kept < 2000);
        }
    }

    [Fact]
    public void DryTakesMoreTheLongerTheRepetition()
    {
        float[] logits = [0, 0, 0, 0];
        // 0 1 2 stood there, and 0 1 stands at the end: 2 would repeat two tokens. After 3 0 1 2 and 3 0 1, three.
        Assert.Equal(Softmax([1, 1, Math.Exp(-1), 1], 1),
            Frequencies(s_open with { DryMultiplier = 1, DryBase = 1.5f }, logits, 0, 1, 2, 0, 1), Within);
        Assert.Equal(Softmax([1, 1, Math.Exp(-1.5), 1], 1),
            Frequencies(s_open with { DryMultiplier = 1, DryBase = 1.5f }, logits, 3, 0, 1, 2, 3, 0, 1), Within);
        Assert.Equal(Softmax([1, 1, 1, 1], 1),
            Frequencies(s_open with { DryMultiplier = 1, DryAllowedLength = 4 }, logits, 3, 0, 1, 2, 3, 0, 1), Within);
    }

    [Fact]
    public void OwnSamplersSeeTheLastTokensAndChangeLogits()
    {
        int[]? seen = null;
        LogitsAdjuster only = (logits, recent) =>
        {
            seen = recent.ToArray();
            logits.Fill(float.NegativeInfinity);
            logits[2] = 1;
        };
        var sampler = new Sampler(s_open with { Adjust = only, RepetitionWindow = 2 }, 4);
        foreach (int token in new[] { 3, 1, 0 }) sampler.Accept(token);
        Assert.Equal(2, sampler.Sample([1, 2, 3, 4]));
        Assert.Equal([1, 0], seen!);
    }

    private static double[] Frequencies(SamplingOptions options, double[] p) =>
        Frequencies(options, [.. p.Select(x => (float)Math.Log(x))]);

    private static double[] Frequencies(SamplingOptions options, float[] logits, params int[] text)
    {
        const int draws = 40_000;
        var sampler = new Sampler(options, logits.Length);
        foreach (int token in text) sampler.Accept(token);
        double[] counts = new double[logits.Length];
        for (int i = 0; i < draws; i++) counts[sampler.Sample(logits)] += 1.0 / draws;
        return counts;
    }

    private static double[] Renormalised(double[] p, int first, int count) =>
        [.. p.Select((x, i) => i >= first && i < first + count ? x / p.Skip(first).Take(count).Sum() : 0)];

    private static double[] Softmax(double[] p, double temperature)
    {
        double[] weights = [.. p.Select(x => Math.Pow(x, 1 / temperature))];
        return [.. weights.Select(w => w / weights.Sum())];
    }

    private static bool Within(double a, double b) => Math.Abs(a - b) < 0.012;
}
