using MixtralVk.Gpu;

namespace VendorReport;

/// <summary>Compiles variants on the one device that the environment leaves visible.</summary>
internal static class Compiler
{
    public static CompiledTarget Run(Target target, bool all)
    {
        using GpuInstance instance = GpuInstance.Create(new GpuOptions { CompileOnly = true });
        GpuAdapter adapter = instance.Adapters.FirstOrDefault(a => a.Description.Type != AdapterType.Software)
            ?? throw new InvalidOperationException($"The driver shows no {target.Id}.");
        using GpuDevice device = GpuDevice.Open(adapter, new ShaderLibrary(typeof(MixtralVk.MixtralModel).Assembly));
        DeviceDescription description = adapter.Description;
        IReadOnlyList<Variant> shipped = Variant.Shipped(description), compiled = all ? Variant.All(description)
            : description.Features.IntegerDotProductAccelerated ? [.. shipped, .. Variant.Packed(description)] : shipped;
        return new CompiledTarget(target.Id, description.Name, description.Driver, (int)description.Limits.MinSubgroupSize,
            (int)description.Limits.MaxSubgroupSize,
            description.Features.IntegerDotProductAccelerated, description.Extensions.Contains("VK_KHR_cooperative_matrix"),
            Variant.ShippedProducts(description), [.. shipped.Select(v => v.Name)],
            [.. compiled.Select(v => Compile(device, target.Vendor, v))]);
    }

    private static CompiledKernel Compile(GpuDevice device, Vendor vendor, Variant variant)
    {
        CompilerOutput output = CompilerOutput.Of(device, variant.Kernel);
        var statistics = new DriverStatistics(output.Statistics);
        LoopProfile? loop = variant.Loop is { } shape
            ? LoopProfile.OfMainLoop(Parse(vendor, output.Texts), output.SubgroupSize, shape.InnerTrips, shape.StepsHoldAllLoads) : null;
        return statistics.Kernel(variant, vendor, output.SubgroupSize, loop);
    }

    private static IReadOnlyList<BasicBlock> Parse(Vendor vendor, IReadOnlyDictionary<string, string> texts) => vendor switch
    {
        Vendor.Amd => AmdAssembly.Parse(texts["Assembly"]),
        Vendor.Intel => IntelAssembly.Parse(texts["GEN Assembly"]),
        Vendor.Nvidia => NvidiaAssembly.Parse(texts["NAK assembly"]),
        _ => throw new ArgumentOutOfRangeException(nameof(vendor)),
    };
}

/// <summary>
/// A driver's statistics under the names it gives them; a missing one throws, so that a renamed spill count cannot read as none.
/// </summary>
internal readonly struct DriverStatistics(IReadOnlyDictionary<string, double> values)
{
    public CompiledKernel Kernel(Variant variant, Vendor vendor, int subgroupSize, LoopProfile? loop) => vendor switch
    {
        Vendor.Amd => new(variant.Name, subgroupSize, Of("VGPRs"), Of("SGPRs"), Of("Spilled VGPRs") + Of("Spilled SGPRs"),
            Of("Scratch size"), Of("LDS size"),
            Of("Instructions"), Of("Subgroups per SIMD"), variant.Product, variant.Loop?.WeightsPerPass ?? 0, loop),
        Vendor.Intel => new(variant.Name, subgroupSize, Of("Max live registers"), 0, Of("Spill Count") + Of("Fill Count"),
            Of("Scratch Memory Size"), Of("Workgroup Memory Size"),
            Of("Instruction Count"), 0, variant.Product, variant.Loop?.WeightsPerPass ?? 0, loop),
        // NVK names the private memory of a lane SLM; spilled registers lie there.
        Vendor.Nvidia => new(variant.Name, subgroupSize, Of("Number of GPRs"), 0, 0, Of("SLM Size"), 0, Of("Instruction count"), 0,
            variant.Product, variant.Loop?.WeightsPerPass ?? 0, loop),
        _ => throw new ArgumentOutOfRangeException(nameof(vendor)),
    };

    private int Of(string name) => values.TryGetValue(name, out double value)
        ? (int)value : throw new InvalidDataException($"The driver has no statistic '{name}', only: {string.Join(", ", values.Keys)}.");
}
