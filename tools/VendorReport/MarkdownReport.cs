using System.Text;
using MixtralVk.Kernels;
using MixtralVk.Quantization;

namespace VendorReport;

/// <summary>docs/vendors.md: summary, compilers, resources, instructions per weight, predictions.</summary>
internal sealed class MarkdownReport(IReadOnlyList<CompiledTarget> results)
{
    private static readonly WeightFormat[] _headline = [WeightFormat.Q4_0, WeightFormat.Q4_K];

    private readonly StringBuilder _text = new();

    private IReadOnlyList<Card> Cards => [.. Card.All.Where(c => results.Any(r => r.Target == c.Target))];

    public override string ToString()
    {
        _text.Clear();
        Head();
        Summary();
        Compilers();
        Resources();
        InstructionsPerWeight();
        Predictions();
        return _text.ToString();
    }

    private static Target TargetOf(CompiledTarget result) => Target.All.Single(t => t.Id == result.Target);

    private void Head()
    {
        _text.AppendRow("# Compiled for real GPUs").AppendRow("")
            .AppendRow("Written by `tools/vendor-report.sh --drivers DIR --output docs/vendors.md`, on a machine without any GPU: Mesa's compilers make the very")
            .AppendRow("machine code that AMD's and Intel's GPUs would run (RADV, ANV), and NVK's for NVIDIA, which is not NVIDIA's own driver. Nothing is executed:")
            .AppendRow("registers, spills and instructions are facts of the compilers, times are predictions. All sizes are Mixtral 8x7B's. Names of variants:")
            .AppendRow("R rows per lane, T tokens per pass, S column splits in a workgroup, W column splits over workgroups.")
            .AppendRow("");
    }

    private void Summary()
    {
        _text.AppendRow("## Summary").AppendRow("");
        (CompiledTarget Target, CompiledKernel Kernel)[] spilled =
            [.. results.SelectMany(r => r.Kernels.Where(k => k.Spilled && r.ShippedKernels.Contains(k.Name)).Select(k => (r, k)))];
        _text.AppendRow(
            $"- **Spills: {(spilled.Length == 0 ? "none" : $"{spilled.Length} kernels")}** of what is shipped, on {results.Count} GPU generations ({results.Min(r => r.ShippedKernels.Count)} kernels each).");
        foreach (var byKernel in spilled.GroupBy(s => s.Kernel.Name))
            _text.AppendRow($"  - {byKernel.Key}: {string.Join(", ", byKernel.Select(s => s.Target.Target))}");
        if (results.Any(r => r.Kernels.Count > r.ShippedKernels.Count))
            _text.AppendRow(
                $"- With what was compiled besides (packed dot products where they are accelerated; with `--all` every variant the tuner may choose), {results.Max(r => r.Kernels.Count)} kernels at most on a generation, spill: {string.Join(", ", results.Select(r => (r.Target, Count: r.Kernels.Count(k => k.Spilled))).Where(r => r.Count > 0).Select(r => $"{r.Count} on {r.Target}").DefaultIfEmpty("none"))}.");
        foreach (WeightFormat format in _headline)
        {
            var perWeight = results.Select(r => Decode(r, format)).Select(k => k.Loop!.Instructions / k.WeightsPerPass).ToArray();
            _text.AppendRow($"- {format} matrix times vector: {perWeight.Min():0.0} to {perWeight.Max():0.0} instructions per weight.");
            (Card Card, double Share)[] shares = [.. Cards.Select(c => (c, ArithmeticShare(c, format)))];
            _text.AppendRow(
                $"- {format}: arithmetic leaves bandwidth as the bound on {Names(shares.Where(s => s.Share <= 1))}; {Names(shares.Where(s => s.Share > 1))} {(shares.Count(s => s.Share > 1) == 1 ? "is" : "are")} bound by arithmetic.");
        }
        _text.AppendRow("");

        static string Names(IEnumerable<(Card Card, double)> cards) =>
            string.Join(", ", cards.Select(c => c.Card.Name).DefaultIfEmpty("no card"));
    }

    private void Compilers()
    {
        _text.AppendRow("## Compilers").AppendRow("").AppendRow(
            "Dot: packed 4x8-bit signed integer dot products are accelerated. Matrix: VK_KHR_cooperative_matrix is there.").AppendRow("");
        _text.AppendTable(["target", "GPUs", "driver", "subgroup:", "dot", "matrix", "kernels:", "most VGPRs:", "most SGPRs:",
            "spilling:"], results.Select(r => (string[])
        [
            r.Target, TargetOf(r).Name, r.Driver.Replace("Intel open-source Mesa driver", "anv", StringComparison.Ordinal),
            r.MinSubgroupSize == r.MaxSubgroupSize ? $"{r.MinSubgroupSize}" : $"{r.MinSubgroupSize}-{r.MaxSubgroupSize}",
            r.Dot4x8Accelerated ? "yes" : "no", r.CooperativeMatrix ? "yes" : "no", $"{r.Kernels.Count}",
            $"{Shipped(r).Max(k => k.Registers)}", r.Kernels.Max(k => k.ScalarRegisters) is > 0 and var s ? $"{s}" : "-",
            $"{r.Kernels.Count(k => k.Spilled)}",
        ]));
    }

    private void Resources()
    {
        _text.AppendRow("## Registers, occupancy, instructions").AppendRow("")
            .AppendRow("Decode and prefill as shipped (every kernel: `--listing FILE`). A cell is: vector registers / subgroups resident on a SIMD / instructions of the")
            .AppendRow("program (**bold: it spills**). Intel: the most registers of 32 bytes (of both halves of Xe2's 64) live at once. Occupancy is what registers, shared memory")
            .AppendRow("and the GPU's limits allow. NVK does not state shared memory.").AppendRow("");
        foreach (Vendor vendor in Enum.GetValues<Vendor>())
        {
            CompiledTarget[] ofVendor = [.. results.Where(r => TargetOf(r).Vendor == vendor)];
            if (ofVendor.Length == 0) continue;
            string[] names = [.. ofVendor.SelectMany(r => r.ShippedKernels).Distinct().Where(n => IsListed(ofVendor[0], n))];
            _text.AppendTable([$"{vendor}", "shared bytes:", .. ofVendor.Select(r => r.Target + ":")], names.Select(name => (string[])
            [
                name, vendor == Vendor.Nvidia ? "-" : $"{ofVendor.Max(r => Find(r, name)?.SharedBytes ?? 0)}",
                .. ofVendor.Select(r => Cell(r, Find(r, name))),
            ]));
        }

        // Decode and prefill of the formats whose instructions are counted; down differs from dense in its columns only. The rest:
        // --listing.
        static bool IsListed(CompiledTarget result, string name) => Find(result, name)?.Product is { } product
            ? Variant.Formats.Contains(product.Shape.Format) && product.Shape.Kind != ProductKind.Down
            && product.Variant.TokensPerPass is 1 or >= 8 && !name.EndsWith("+=", StringComparison.Ordinal)
            : !name.StartsWith("embedding", StringComparison.Ordinal) && !name.Contains("_f32", StringComparison.Ordinal)
            && !name.Contains("up to", StringComparison.Ordinal);

        static CompiledKernel? Find(CompiledTarget result, string name) => result.Kernels.FirstOrDefault(k => k.Name == name);

        static string Cell(CompiledTarget result, CompiledKernel? kernel)
        {
            if (kernel is null) return "-";
            string cell = $"{kernel.Registers} / {Occupancy(result, kernel)} / {kernel.Instructions}";
            return kernel.Spilled ? $"**{cell}**" : cell;
        }
    }

    /// <summary>The driver's word where it gives one. RADV counts both SIMDs of an RDNA compute unit.</summary>
    private static int Occupancy(CompiledTarget result, CompiledKernel kernel)
    {
        Architecture gpu = TargetOf(result).Architecture;
        int invocations = kernel.Product?.Invocations ?? 64;
        return kernel.StatedOccupancy > 0 ? kernel.StatedOccupancy / (gpu.Simds == 2 ? 2 : 1) : gpu.Occupancy(kernel.Registers,
            kernel.SubgroupSize, kernel.SharedBytes, Math.Max(1, invocations / kernel.SubgroupSize));
    }

    private void InstructionsPerWeight()
    {
        _text.AppendRow("## Instructions per weight").AppendRow("")
            .AppendRow("Decode (T1) of the shipped variant: instructions of the main loop, whatever they do, per weight of a lane, as counted in the assembly. NVK addresses")
            .AppendRow("each load with 64-bit arithmetic and leaves activations unvectorised: NVIDIA's own compiler needs fewer. int8: the same variant with packed dot")
            .AppendRow("products, which the tuner may choose where they are accelerated; what is shipped multiplies floats.").AppendRow("");
        _text.AppendTable(["kernel", .. results.Select(r => r.Target + ":")],
            from matrix in MixtralShape.Matrices.DistinctBy(m => m.Kind)
            from format in Variant.Formats
            from isPacked in QuantizeRows.Serves(format) ? (bool[])[false, true] : [false]
            select (string[])[$"{matrix.Kind} {format}{(isPacked ? " int8" : "")}",
                .. results.Select(r => PerWeight(isPacked ? Packed(r, format, matrix.Name) : Decode(r, format, matrix.Name)))]);

        _text.AppendRow(
            "Which cards stay bound by bandwidth: weights per second that the memory delivers (bandwidth / bytes per weight) against those that the vector units")
            .AppendRow("take (cores x SIMDs x lanes per clock x clock / vector instructions per weight; conversions apart, where their unit is slower). Above 100 % the arithmetic")
            .AppendRow("is the bound. GTX 1060: no compiler for Pascal in the tree, so Turing's instructions on Pascal's units.")
            .AppendRow("");
        _text.AppendTable(["card", "cores x SIMDs x lanes:", "GHz:", "GB/s:", "ns:", "source",
            .. _headline.SelectMany(f => (string[])[$"{f} G weights/s, memory:", "arithmetic:", "needed:"])],
            Cards.Select(c => (string[])
            [
                c.Name, $"{c.Cores} x {c.Architecture.Simds} x {c.Architecture.LanesPerClock}", $"{c.GigaHertz:0.00}",
                $"{c.GigaBytesPerSecond:0}", $"{c.LatencyNanoseconds:0}", c.Source,
                .. _headline.SelectMany(f =>
                    (string[])[$"{MemoryRate(c, f):0}", $"{ArithmeticRate(c, f):0}", $"{ArithmeticShare(c, f):0 %}"]),
            ]));
    }

    private void Predictions()
    {
        _text.AppendRow("## Decode, predicted").AppendRow("")
            .AppendRow("One token, Q4_0, as if the weights fitted the card. Slots: subgroups the card can hold (cores x SIMDs x resident). In flight: bytes of weights on their")
            .AppendRow("way, of those that bandwidth x latency needs (Little's law). The time is the largest of four: bandwidth (at 85 % of the specification), latency (bytes x latency /")
            .AppendRow("in flight), arithmetic, sums (a lane adds its columns one after the other); launches and barriers are left out, but for the second pass where columns are")
            .AppendRow($"split over workgroups: {Prediction.SecondPassMicroseconds:0} us are assumed, and the parts written and read. Best: the fastest compiled variant (`--all`) by the same arithmetic; int8 rounds activations and so changes results: it is `mixtralvk tune`'s to choose, and not shipped. NVIDIA: loads in flight as RADV orders them for RDNA 2, as NVK 25 leaves each load next to its use.").AppendRow("");
        CardTable[] tables = [.. Cards.Select(c => new CardTable(c, results, WeightFormat.Q4_0))];
        _text.AppendTable(["card", "matrix", "shipped", "workgroups:", "subgroups:", "slots:", "in flight, KB:", "needed, KB:", "bound",
            "us:", "best", "us:"],
            tables.SelectMany(t => t.Matrices.Select((m, i) => (string[])
            [
                i == 0 ? t.Card.Name : "", m.Matrix, Short(m.Kernel), $"{m.Shipped.Workgroups}", $"{m.Shipped.Subgroups}",
                $"{m.Shipped.Slots}", $"{m.Shipped.BytesInFlight / 1000:0}",
                $"{m.Shipped.BytesNeeded / 1000:0}", $"{m.Shipped.Bound}".ToLowerInvariant(), $"{m.Shipped.Microseconds:0.0}",
                .. m.BestKernel == m.Kernel ? (string[])["as shipped", ""] : [Short(m.BestKernel), $"{m.Best.Microseconds:0.0}"],
            ])));
        _text.AppendRow("All matrices of a token, milliseconds:").AppendRow("");
        _text.AppendTable(["card", .. _headline.SelectMany(f => (string[])[$"{f} shipped:", "best:", "bandwidth alone:"])],
            Cards.Select(c => (string[])
        [
            c.Name, .. _headline.SelectMany(f =>
            {
                var table = new CardTable(c, results, f);
                return (string[])[$"{table.ShippedToken / 1000:0.0}", $"{table.BestToken / 1000:0.0}",
                    $"{CardTable.BandwidthToken(c, f) / 1000:0.0}"];
            }),
        ]));

        static string Short(CompiledKernel kernel) => kernel.Product is { } p ? $"{p.Variant}" : "";
    }

    private static IEnumerable<CompiledKernel> Shipped(CompiledTarget result) => result.ShippedKernels.Select(n => result[n]);

    private static string PerWeight(CompiledKernel? kernel) =>
        kernel is null ? "-" : $"{kernel.Loop!.Instructions / kernel.WeightsPerPass:0.0}";

    /// <summary>The shipped decode kernel of a matrix with packed dot products, where the device accelerates them.</summary>
    private static CompiledKernel? Packed(CompiledTarget result, WeightFormat format, string matrix)
    {
        ProductVariant packed = Decode(result, format, matrix).Product!.Value.Variant with { Arithmetic = Arithmetic.PackedInt8 };
        return result.Kernels.FirstOrDefault(k =>
            k.Product is { } p && p.Shape == Decode(result, format, matrix).Product!.Value.Shape && p.Variant == packed);
    }

    /// <summary>The shipped decode kernel of a matrix.</summary>
    private static CompiledKernel Decode(CompiledTarget result, WeightFormat format, string matrix = "o") =>
        result[result.Shipped.Single(s => s.Matrix == matrix && s.Format == format && s.Tokens == TokenClass.One).Kernel];

    /// <summary>G weights/s.</summary>
    private static double MemoryRate(Card card, WeightFormat format) =>
        card.GigaBytesPerSecond / (new RowTileLayout(format, 4096, 4096).Bytes / (4096.0 * 4096));

    /// <summary>G weights/s with every vector unit busy.</summary>
    private double ArithmeticRate(Card card, WeightFormat format)
    {
        CompiledKernel kernel = Decode(results.Single(r => r.Target == card.Target), format);
        Architecture gpu = card.Architecture;
        double clocksPerSubgroup =
            Math.Max(kernel.Loop!.VectorLanes / gpu.LanesPerClock, kernel.Loop.ConvertLanes / gpu.ConvertLanesPerClock);
        return card.Cores * gpu.Simds * card.GigaHertz * kernel.WeightsPerPass * kernel.SubgroupSize / clocksPerSubgroup;
    }

    private double ArithmeticShare(Card card, WeightFormat format) => MemoryRate(card, format) / ArithmeticRate(card, format);
}
