using BenchmarkDotNet.Attributes;
using MixtralVk.Gpu;
using MixtralVk.Testing.Kernels;

namespace MixtralVk.Bench.Benchmarks;

/// <summary>
/// The cases of `mixtralvk kernels` as BenchmarkDotNet sees them: wall time of a submission of one dispatch and the wait for it, each time
/// on the next copy of the weights. The shipped variants at Mixtral's shapes; MIXTRALVK_BENCH_FILTER takes others by the words of
/// `--filter`.
/// </summary>
public class KernelBenchmarks : IDisposable
{
    private GpuInstance _vulkan = null!;
    private KernelBench _bench = null!;
    private CaseMemory _memory = null!;
    private RepeatedDispatch _dispatch = null!;
    private Recording[] _ring = [];
    private int _next;

    /// <summary>Names of the cases.</summary>
    public static IEnumerable<string> Cases
    {
        get
        {
            using GpuInstance vulkan = GpuInstance.Create();
            string filter = Environment.GetEnvironmentVariable("MIXTRALVK_BENCH_FILTER") ?? "q4_0 shipped";
            return [.. BenchCases.Of(ModelShape.Mixtral, KernelBench.Choose(vulkan, null).Description).Where(c => c.Matches(filter))
                .Select(c => c.Name)];
        }
    }

    [ParamsSource(nameof(Cases))]
    public string Kernel { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _vulkan = GpuInstance.Create();
        _bench = new KernelBench(KernelBench.Choose(_vulkan, null));
        BenchCase bench = BenchCases.Of(ModelShape.Mixtral, _bench.Device.Description).Single(c => c.Name == Kernel);
        _memory = new CaseMemory(_bench.Device);
        PreparedCase prepared = bench.Make().Prepare(_memory);
        _dispatch = new RepeatedDispatch(_bench.Device, prepared, bench.Cold, 2 * _bench.Cache.Bytes, null);
        _memory.Run(_dispatch.RecordFirst);
        prepared.Compare();
        _dispatch.MakeCopies();
        _ring = [.. Enumerable.Range(0, _dispatch.Copies).Select(_ =>
        {
            Recorder recorder = _bench.Device.CreateRecorder();
            recorder.BeginStage("dispatch");
            _dispatch.Record(recorder);
            return recorder.Finish("dispatch");
        })];
    }

    [GlobalCleanup]
    public void Dispose()
    {
        foreach (Recording recording in _ring) recording.Dispose();
        _dispatch.Dispose();
        _memory.Dispose();
        _bench.Dispose();
        _vulkan.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void Dispatch()
    {
        _bench.Device.Queue.Wait(_bench.Device.Queue.Submit(_ring[_next], 0, 1));
        _next = (_next + 1) % _ring.Length;
    }
}
