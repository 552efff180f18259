using BenchmarkDotNet.Attributes;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Sampling;
using MixtralVk.Testing;

namespace MixtralVk.Bench.Benchmarks;

/// <summary>
/// The managed cost of a token in steady state: from its logits to the next submission. Steps run for real until everything is warm; then
/// the queue stops short of the driver (vkQueueSubmit2 is not called, waits return at once), so that neither the driver nor the device is
/// in the number: sampling, batch, parameters, the making of the submissions, the look at the status and the commit are.
/// </summary>
[MemoryDiagnoser]
public class TokenOverhead : IDisposable
{
    private MixtralModel _model = null!;
    private VulkanForwardPass _forward = null!;
    private KvSequence _sequence = null!;
    private StepBatch _batch = null!;
    private Sampler _sampler = null!;
    private int _token;

    /// <summary>A model file; the environment variable MIXTRALVK_BENCH_MODEL names another than the shipped one.</summary>
    private static string ModelFile =>
        Environment.GetEnvironmentVariable("MIXTRALVK_BENCH_MODEL")
            ?? Path.Combine(Repository.Root, "samples", "models", OracleCase.ShippedModel);

    [Params("greedy", "default")]
    public string Sampling { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _model = MixtralModel.Load(ModelFile, new MixtralOptions { Device = DeviceKind.Vulkan, ContextLength = 512 });
        _forward = (VulkanForwardPass)_model.ForwardPass;
        _sequence = new KvSequence(_forward.Pages);
        _batch = new StepBatch(_forward.MaxBatchTokens);
        _sampler = new Sampler(new SamplingOptions { Temperature = Sampling == "greedy" ? 0 : 0.7f, Seed = 1 }, _forward.Config.VocabSize);
        _token = 1;
        Step();
        for (int i = 0; i < 4; i++) Token();
        _forward.Device.Queue.LeavesOutDriver = true;
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _sequence.Dispose();
        _model.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// One token: choose it from the logits, then everything up to the submissions of the next step and what follows its end.
    /// </summary>
    [Benchmark]
    public int Token()
    {
        _token = _sampler.Sample(_forward.Logits(0));
        _sampler.Accept(_token);
        Step();
        return _token;
    }

    private void Step()
    {
        if (_sequence.Length == _forward.ContextLength) _sequence.Truncate(1);
        _batch.Clear();
        _batch.Add(_sequence, [_token], LogitRows.Last);
        _forward.Step(_batch);
    }
}
