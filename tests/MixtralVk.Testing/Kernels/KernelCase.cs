using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Testing.Kernels;

/// <summary>
/// One call of a kernel: shapes and inputs, and what the reference makes of them. Serves the tests, the contract check and the bench.
/// </summary>
/// <param name="name">Kernel and shapes.</param>
/// <param name="bytes">Bytes the kernel must move at least.</param>
/// <param name="flops">Floating-point operations it must do at least.</param>
internal abstract class KernelCase(string name, long bytes, long flops)
{
    public string Name => name;

    public long Bytes => bytes;

    public long Flops => flops;

    /// <summary>Makes the buffers; the caller owns the memory.</summary>
    public abstract PreparedCase Prepare(CaseMemory memory);

    /// <summary>Runs the case on a device and compares; throws <see cref="CaseFailedException"/>.</summary>
    public void Check(GpuDevice device)
    {
        using var memory = new CaseMemory(device);
        PreparedCase prepared = Prepare(memory);
        memory.Run(prepared.Record);
        prepared.Compare();
    }

    public override string ToString() => Name;
}

/// <summary>A case with its buffers on a device.</summary>
/// <param name="Kernel">The kernel, for its bindings.</param>
/// <param name="Record">Records the dispatch.</param>
/// <param name="Compare">Compares what came back with the reference.</param>
internal sealed record PreparedCase(IKernel Kernel, Action<Recorder> Record, Action Compare);

/// <summary>A case of one kernel type; <paramref name="prepare"/> makes the buffers and gives the kernel and the comparison.</summary>
internal sealed class KernelCase<TKernel>(string name, Func<CaseMemory, (TKernel Kernel, Action Compare)> prepare,
    long bytes = 0, long flops = 0)
    : KernelCase(name, bytes, flops) where TKernel : struct, IKernel
{
    public override PreparedCase Prepare(CaseMemory memory)
    {
        var (kernel, compare) = prepare(memory);
        return new PreparedCase(kernel, recorder => recorder.Dispatch(kernel), compare);
    }
}

/// <summary>
/// A case of a matrix product with the kernel that rounds its input, and the one that adds its parts, where there is one.
/// </summary>
internal sealed class ProductCase<TKernel>(string name,
    Func<CaseMemory, (QuantizeRows? First, TKernel Kernel, AddParts? Second, Action Compare)> prepare, long bytes, long flops)
    : KernelCase(name, bytes, flops) where TKernel : struct, IKernel
{
    public override PreparedCase Prepare(CaseMemory memory)
    {
        var (first, kernel, second, compare) = prepare(memory);
        return new PreparedCase(kernel, Record, compare);

        void Record(Recorder recorder)
        {
            if (first is { } quantize) recorder.Dispatch(quantize);
            recorder.Dispatch(kernel);
            if (second is { } addParts) recorder.Dispatch(addParts);
        }
    }
}
