using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using MixtralVk.Cpu;
using MixtralVk.Cpu.Bytes;
using MixtralVk.Quantization;

namespace MixtralVk.Bench.Benchmarks;

/// <summary>
/// The CPU path's products with activations in bytes, at one of Mixtral's shapes: (28672, 4096), both matrices of a gate and up product, 66
/// MB in Q4_0 and more than a cache holds. Bytes of weights and multiply-adds per second are columns of their own.
/// </summary>
[Config(typeof(Rates))]
public unsafe class CpuKernelBenchmarks : IDisposable
{
    private const int Rows = 28672, Cols = 4096;

    private WorkerThreads _threads = null!;
    private NativeBuffer _weights = null!, _floats = null!, _blocks = null!, _output = null!;
    private TiledMatrix _matrix;
    private ProductInput _input;

    [Params(WeightFormat.Q4_0, WeightFormat.Q4_K, WeightFormat.Q6_K, WeightFormat.Q8_0)]
    public WeightFormat Format { get; set; }

    /// <summary>Rows of activations: a matvec, or a chunk of a prompt.</summary>
    [Params(1, 32)]
    public int Tokens { get; set; }

    [Params(1, 2)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        var layout = new RowTileLayout(Format, Rows, Cols);
        _threads = new WorkerThreads(Threads);
        _weights = new NativeBuffer(layout.Bytes);
        // Any bytes are weights; these make scales of a like size, none of which is infinite.
        byte[] pattern = [.. Enumerable.Range(0, 1 << 20).Select(_ => (byte)random.Next(0x20, 0x40))];
        for (long at = 0; at < layout.Bytes; at += pattern.Length)
        {
            int count = (int)Math.Min(pattern.Length, layout.Bytes - at);
            pattern.AsSpan(0, count).CopyTo(new Span<byte>(_weights.Pointer + at, count));
        }
        _matrix = new TiledMatrix(layout, _weights.Pointer);
        _floats = new NativeBuffer((long)Tokens * Cols * sizeof(float));
        _blocks = new NativeBuffer(Tokens * ProductInput.BlockStride(Cols));
        _output = new NativeBuffer((long)Tokens * Rows * sizeof(float));
        var activations = (float*)_floats.Pointer;
        for (int i = 0; i < Tokens * Cols; i++) activations[i] = random.NextSingle() * 2 - 1;
        _input = new ProductInput(activations, (ActivationBlock*)_blocks.Pointer, Cols, ByteProduct.Supported().First().Product);
        QuantizeRows.Run(_threads, _input, Tokens);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        foreach (NativeBuffer buffer in (NativeBuffer[])[_weights, _floats, _blocks, _output]) buffer.Dispose();
        _threads.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void Product() => MatMul.Run(_threads, _matrix, _input, Tokens, (float*)_output.Pointer);

    private sealed class Rates : ManualConfig
    {
        public Rates()
        {
            AddColumn(new RateColumn("GB/s", (format, _) => new RowTileLayout(format, Rows, Cols).Bytes));
            AddColumn(new RateColumn("G multiply-adds/s", (_, tokens) => (double)Rows * Cols * tokens));
        }
    }

    /// <summary>An amount per run over the median time of one, in thousands of millions per second.</summary>
    private sealed class RateColumn(string name, Func<WeightFormat, int, double> amount) : IColumn
    {
        public string Id => name;
        public string ColumnName => name;
        public bool AlwaysShow => true;
        public ColumnCategory Category => ColumnCategory.Custom;
        public int PriorityInCategory => 0;
        public bool IsNumeric => true;
        public UnitType UnitType => UnitType.Dimensionless;
        public string Legend => $"{name}, by the median time";
        public bool IsAvailable(Summary summary) => true;
        public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
        public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase) =>
            summary[benchmarkCase]?.ResultStatistics is { } times
                ? (amount((WeightFormat)benchmarkCase.Parameters[nameof(Format)],
                (int)benchmarkCase.Parameters[nameof(Tokens)]) / times.Median).ToString("F1", summary.GetCultureInfo())
                : "NA";
    }
}
