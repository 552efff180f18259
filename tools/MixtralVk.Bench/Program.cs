using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace MixtralVk.Bench;

/// <summary>
/// Runs the BenchmarkDotNet classes: <c>dotnet run -c Release --project tools/MixtralVk.Bench -- --filter '*TokenOverhead*'</c>. In this
/// process, as another toolchain would build the solution again and needs the network.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        IConfig config = ManualConfig.Create(DefaultConfig.Instance).AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
        return BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config).Any(s => s.HasCriticalValidationErrors) ? 1 : 0;
    }
}
