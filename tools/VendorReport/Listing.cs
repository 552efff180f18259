namespace VendorReport;

/// <summary>Every compiled kernel, comma-separated.</summary>
internal static class Listing
{
    public static IEnumerable<string> Lines(IReadOnlyList<CompiledTarget> results)
    {
        yield return "target,kernel,shipped,subgroup,registers,scalar registers,spills,private bytes,shared bytes,instructions,stated occupancy,loop instructions,loop loads,weights per pass";
        foreach (CompiledTarget result in results)
            foreach (CompiledKernel k in result.Kernels)
                yield return string.Join(',', result.Target, k.Name, result.ShippedKernels.Contains(k.Name), k.SubgroupSize, k.Registers,
                    k.ScalarRegisters, k.Spills, k.ScratchBytes,
                    k.SharedBytes, k.Instructions, k.StatedOccupancy, k.Loop?.Instructions, k.Loop?.Loads, k.WeightsPerPass);
    }
}
