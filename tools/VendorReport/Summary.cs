namespace VendorReport;

/// <summary>A line per target, and every kernel that spilled.</summary>
internal static class Summary
{
    /// <summary>Prints it; false where a shipped kernel spilled.</summary>
    public static bool Print(IReadOnlyList<CompiledTarget> results, TextWriter to)
    {
        bool clean = true;
        foreach (CompiledTarget result in results)
        {
            CompiledKernel[] spilled = [.. result.Kernels.Where(k => k.Spilled)],
                shipped = [.. spilled.Where(k => result.ShippedKernels.Contains(k.Name))];
            string spills = spilled.Length == 0
                ? "none spills" : $"{shipped.Length} shipped and {spilled.Length - shipped.Length} other kernels SPILL";
            to.WriteLine($"{result.Target,-10} {result.Kernels.Count,4} kernels, {spills}, at most {result.Kernels.Max(k => k.Registers)} registers ({result.Driver})");
            foreach (CompiledKernel kernel in shipped)
                to.WriteLine($"    {kernel.Name}: {kernel.Registers} registers, {kernel.Spills} spilled, {kernel.ScratchBytes} bytes of private memory");
            clean &= shipped.Length == 0;
        }
        return clean;
    }
}
