using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Testing.Kernels;
using MixtralVk.Tuning;

namespace MixtralVk.Bench;

/// <summary>Checks kernels against the reference and times them. Not thread-safe.</summary>
internal sealed class KernelBench : IDisposable
{
    /// <summary>Measured submissions of a kernel; the median counts.</summary>
    public const int Samples = 5;

    private readonly ShaderLibrary _shaders;
    private readonly DispatchTimer _timer;
    private Roofs? _roofs;

    /// <summary>Opens an adapter. Throws <see cref="GpuUnsupportedException"/> naming what it lacks.</summary>
    public KernelBench(GpuAdapter adapter)
    {
        _shaders = new ShaderLibrary(typeof(MatMul).Assembly, typeof(KernelBench).Assembly);
        Device = GpuDevice.Open(adapter, _shaders);
        Cache = CacheSize.Of(Device.Description);
        _timer = new DispatchTimer(Device, Samples);
    }

    /// <summary>
    /// The adapter whose name has <paramref name="name"/> in it; for null the best GPU, or a software driver where there is none. Throws
    /// <see cref="DeviceNotFoundException"/> naming those there are.
    /// </summary>
    public static GpuAdapter Choose(GpuInstance vulkan, string? name)
    {
        ArgumentNullException.ThrowIfNull(vulkan);
        var options = new MixtralOptions { Device = DeviceKind.Vulkan, AdapterName = name };
        return vulkan.Adapters[AdapterChoice.Choose(options, [.. vulkan.Adapters.Select(a => a.Description)])];
    }

    public GpuDevice Device { get; }

    public CacheSize Cache { get; }

    /// <summary>What the device can do at all; measured at the first call.</summary>
    public Roofs MeasureRoofs(CancellationToken cancellation = default) => _roofs ??= Roofs.Measure(Device, Cache, cancellation);

    /// <summary>Makes a user's shader known under a name of its own.</summary>
    public void Add(UserShader shader)
    {
        ArgumentNullException.ThrowIfNull(shader);
        _shaders.Add(shader.ModuleName, shader.Spirv);
    }

    /// <summary>
    /// Runs one case: first once between guard zones and against the reference, then timed. What the check finds is in
    /// <see cref="KernelResult.Problem"/>, and nothing is timed then.
    /// </summary>
    /// <param name="bench">The case.</param>
    /// <param name="user">A shader to run in the place of ours, or null.</param>
    /// <param name="cancellation">Ends it between two submissions.</param>
    public KernelResult Run(BenchCase bench, UserShader? user = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(bench);
        KernelCase kernelCase = bench.Make();
        var result = new KernelResult
        {
            Kernel = bench.Shader, Shape = bench.Shape, Variant = bench.Variant, Note = bench.Note, User = user?.FileName,
            Bytes = bench.Bytes > 0 ? bench.Bytes : kernelCase.Bytes, Flops = bench.Flops > 0 ? bench.Flops : kernelCase.Flops,
        };
        using var memory = new CaseMemory(Device);
        PreparedCase prepared = kernelCase.Prepare(memory);
        using var dispatch = new RepeatedDispatch(Device, prepared, bench.Cold, 2 * Cache.Bytes, user?.ModuleName);
        try
        {
            memory.Run(dispatch.RecordFirst);
            prepared.Compare();
        }
        catch (CaseFailedException e)
        {
            return result with { Problem = e.Message };
        }
        dispatch.MakeCopies();
        DispatchTime time = _timer.Run(dispatch.Record, dispatch.Copies, cancellation);
        Roofs roofs = MeasureRoofs(cancellation);
        double bytesPerSecond = result.Bytes / time.Seconds, flopsPerSecond = result.Flops / time.Seconds;
        return result with
        {
            Gpu = time.Gpu is null ? null : Spread.Of(time.Gpu), Cpu = time.Cpu is null ? null : Spread.Of(time.Cpu),
            Copies = dispatch.Copies, WorkingSetBytes = dispatch.WorkingSet,
            GBPerSecond = bytesPerSecond / 1e9, GFlopPerSecond = flopsPerSecond / 1e9,
            ShareOfCopy = bytesPerSecond / roofs.BytesPerSecond, ShareOfFma = flopsPerSecond / roofs.FlopsPerSecond,
        };
    }

    public void Dispose() => Device.Dispose();
}
