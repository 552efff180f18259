using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Testing;
using MixtralVk.Testing.Kernels;

namespace MixtralVk.Tests.Kernels;

/// <summary>One device for all kernel tests, as each pipeline takes a software driver a tenth of a second and more.</summary>
public sealed class KernelDevice : IDisposable
{
    private readonly TestGpu _gpu = TestGpu.Open(Shaders);

    internal static ShaderLibrary Shaders { get; } = new(typeof(MatMul).Assembly);

    internal GpuDevice Device => _gpu.Device;

    /// <summary>Runs a case; a message of the validation layer fails it too.</summary>
    internal void Check(KernelCase kernelCase) => Watch(() => kernelCase.Check(Device));

    /// <summary>Runs what is not a case; the memory lives for the call.</summary>
    internal void Run(Action<CaseMemory> body) => Watch(() =>
    {
        using var memory = new CaseMemory(Device);
        body(memory);
    });

    public void Dispose() => _gpu.Dispose();

    private void Watch(Action body)
    {
        int before = _gpu.Messages.Count;
        body();
        string[] messages = [.. _gpu.Messages.Skip(before)];
        Assert.True(messages.Length == 0, string.Join(Environment.NewLine, messages));
    }
}
