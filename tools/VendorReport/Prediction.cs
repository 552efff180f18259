using MixtralVk.Kernels;
using MixtralVk.Quantization;

namespace VendorReport;

/// <summary>What limits a kernel.</summary>
internal enum Bound
{
    /// <summary>Memory bandwidth: nothing better can be had.</summary>
    Bandwidth,
    /// <summary>Too few bytes on their way to cover the latency of memory.</summary>
    Latency,
    /// <summary>The arithmetic units are busy.</summary>
    Arithmetic,
    /// <summary>Each sum waits for the one before.</summary>
    Sums,
}

/// <summary>
/// How long a card needs for a matrix times a vector, from what the compiler made of the kernel: the largest of four times. Bandwidth:
/// bytes over what the memory delivers. Latency (Little's law): bytes in flight are the resident lanes times the weights each has on its
/// way when it waits; with less than bandwidth times latency of them, the memory idles. Arithmetic: clocks of the busiest SIMD. Sums: a
/// lane's columns one after the other. Where columns are split over workgroups the second pass comes on top: the parts written and read
/// again, and a barrier and a launch. Launches and barriers that every variant has are left out.
/// </summary>
internal sealed record Prediction(int Workgroups, int Subgroups, int Slots, double BytesInFlight, double BytesNeeded, Bound Bound,
    double Microseconds)
{
    /// <summary>What a barrier and a small dispatch take: an assumption.</summary>
    public const double SecondPassMicroseconds = 5;

    /// <summary>Work of a dispatch: weights, their bytes, its workgroups, and the bytes of the parts it leaves.</summary>
    internal readonly record struct Work(double Weights, double Bytes, int Workgroups, int Invocations, double ColumnsPerLane,
        double PartBytes = 0);

    /// <summary>A product's matrix with the experts that run side by side.</summary>
    public static Prediction Of(Card card, CompiledKernel kernel, ModelMatrix matrix)
    {
        Product product = kernel.Product!.Value;
        var (splits, workgroupSplits) = (product.Variant.ColumnSplits, product.Variant.WorkgroupSplits);
        uint matrices = matrix.Concurrent * product.Shape.Matrices;
        double weights = (double)matrix.Rows * matrix.Cols * matrices;
        double bytes = (double)new RowTileLayout(product.Shape.Format, (int)matrix.Rows, (int)matrix.Cols).Bytes * matrices;
        uint workgroups = Grid.Cover(matrix.Rows, product.Variant.WorkgroupRows) * workgroupSplits * matrix.Concurrent;
        double partBytes = workgroupSplits > 1 ? (double)workgroupSplits * matrix.Rows * matrices * sizeof(float) : 0;
        return Of(card, kernel,
            new Work(weights, bytes, (int)workgroups, product.Invocations, (double)matrix.Cols / (splits * workgroupSplits), partBytes));
    }

    /// <summary>The router of one token: one workgroup, float weights.</summary>
    public static Prediction OfRouter(Card card, CompiledKernel kernel)
    {
        double weights = (double)MixtralShape.Config.Dim * MixtralShape.Config.ExpertCount;
        return Of(card, kernel, new Work(weights, weights * sizeof(float), 1, 128, weights / 128));
    }

    private static Prediction Of(Card card, CompiledKernel kernel, Work work)
    {
        Architecture gpu = card.Architecture;
        int perWorkgroup = (work.Invocations + kernel.SubgroupSize - 1) / kernel.SubgroupSize, subgroups = work.Workgroups * perWorkgroup;
        int simds = card.Cores * gpu.Simds,
            slots = simds * gpu.Occupancy(kernel.Registers, kernel.SubgroupSize, kernel.SharedBytes, perWorkgroup);
        double rounds = Math.Ceiling((double)subgroups / slots), resident = subgroups / rounds;
        double passes = work.Weights / ((double)work.Workgroups * work.Invocations * kernel.WeightsPerPass);

        LoopProfile loop = kernel.Loop!;
        double bytesPerPass = work.Bytes / work.Weights * kernel.WeightsPerPass * kernel.SubgroupSize;
        double inFlight = resident * bytesPerPass * (loop.Loads > 0 ? loop.LoadsInFlight / loop.Loads : 1),
            needed = card.GigaBytesPerSecond * card.LatencyNanoseconds;
        double perSimd = Math.Ceiling((double)subgroups / simds);
        double clocks = passes * Math.Max(loop.VectorLanes / gpu.LanesPerClock, loop.ConvertLanes / gpu.ConvertLanesPerClock);
        (Bound Bound, double Nanoseconds)[] times =
        [
            (Bound.Bandwidth, work.Bytes / (card.GigaBytesPerSecond * Card.ReachableShare)),
            (Bound.Latency, work.Bytes * card.LatencyNanoseconds / inFlight),
            (Bound.Arithmetic, perSimd * clocks / card.GigaHertz),
            (Bound.Sums, rounds * work.ColumnsPerLane * gpu.AddLatency / card.GigaHertz),
        ];
        var longest = times.MaxBy(t => t.Nanoseconds);
        double secondPass = work.PartBytes > 0
            ? SecondPassMicroseconds + 2 * work.PartBytes / (card.GigaBytesPerSecond * Card.ReachableShare) / 1000 : 0;
        return new Prediction(work.Workgroups, subgroups, slots, inFlight, needed, longest.Bound, longest.Nanoseconds / 1000 + secondPass);
    }
}
