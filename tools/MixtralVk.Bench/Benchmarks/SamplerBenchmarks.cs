using BenchmarkDotNet.Attributes;
using MixtralVk.Sampling;

namespace MixtralVk.Bench.Benchmarks;

/// <summary>Choosing a token among Mixtral's 32000.</summary>
[MemoryDiagnoser]
public class SamplerBenchmarks
{
    private const int Vocab = 32000;

    private readonly float[] _logits = new float[Vocab];
    private Sampler _sampler = null!;

    /// <summary>The ways to sample; <c>default</c> is temperature 0.7, top-k 40, top-p 0.95, min-p 0.05.</summary>
    [Params("greedy", "default", "penalty", "top-p", "top-p and min-p", "all logits", "typical", "top-n-sigma", "mirostat", "dry")]
    public string Options { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        // Logits of a language model are roughly normal with a deviation of 2 to 3, and a few stand out.
        var random = new Random(1);
        for (int i = 0; i < Vocab; i++)
        {
            double u = 1 - random.NextDouble(), v = random.NextDouble();
            _logits[i] = (float)(2.5 * Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * v));
        }
        for (int i = 0; i < 5; i++) _logits[random.Next(Vocab)] = 12 + i;
        _sampler = new Sampler(Options switch
        {
            "greedy" => new SamplingOptions { Temperature = 0 },
            "penalty" => new SamplingOptions { RepetitionPenalty = 1.1f, Seed = 1 },
            "top-p" => new SamplingOptions { TopK = 0, MinP = 0, Seed = 1 },
            "top-p and min-p" => new SamplingOptions { TopK = 0, Seed = 1 },
            "all logits" => new SamplingOptions { TopK = 0, TopP = 1, MinP = 0, Seed = 1 },
            "typical" => new SamplingOptions { TopK = 0, TopP = 1, MinP = 0, TypicalP = 0.95f, Seed = 1 },
            "top-n-sigma" => new SamplingOptions { TopK = 0, TopP = 1, MinP = 0, TopNSigma = 1, Seed = 1 },
            "mirostat" => new SamplingOptions { MirostatTau = 5, Seed = 1 },
            "dry" => new SamplingOptions { DryMultiplier = 0.8f, Seed = 1 },
            _ => new SamplingOptions { Seed = 1 },
        }, Vocab);
    }

    [Benchmark]
    public int Sample()
    {
        int token = _sampler.Sample(_logits);
        _sampler.Accept(token);
        return token;
    }
}
