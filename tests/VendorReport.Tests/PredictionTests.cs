using MixtralVk.Kernels;
using MixtralVk.Quantization;

namespace VendorReport.Tests;

/// <summary>Which of the four times wins, with numbers worked out by hand.</summary>
public sealed class PredictionTests
{
    // 16384 x 4096 F16: 128 MiB, 256 tiles of 64 rows.
    private static readonly ModelMatrix _matrix = new("m", ProductKind.Dense, 16384, 4096, 1, 1);

    // 1 core of 2 SIMDs that hold 16 subgroups; 100 GB/s, so that 85 deliver.
    private static readonly Card _card =
        new("c", "t", new Architecture(2, 16, 1024 * 32, 16 * 32, 64 << 10, 64, 32, 32, 4), 1, 1.0, 100, 500, "");

    private static CompiledKernel Kernel(LoopProfile loop, uint splits = 1) => new("k", 64, 32, 0, 0, 0, 0, 100, 0,
        new Product(_matrix.In(WeightFormat.F16), new ProductVariant(1, 1, ColumnSplits: splits)), 16, loop);

    [Fact]
    public void Few_bytes_in_flight_bind_by_latency()
    {
        Prediction p = Prediction.Of(_card, Kernel(new LoopProfile(10, 64, 0, Loads: 8, LoadsInFlight: 8)), _matrix);
        Assert.Equal((256, 256, 32), (p.Workgroups, p.Subgroups, p.Slots));
        // 32 subgroups of 64 lanes, 16 weights of 2 bytes each.
        Assert.Equal(32 * 64 * 32, p.BytesInFlight, 3);
        Assert.Equal(50000, p.BytesNeeded, 3);
        Assert.Equal(Bound.Bandwidth, p.Bound);
        Assert.Equal(16384.0 * 4096 * 2 / 85e3, p.Microseconds, 3);

        Prediction fewer = Prediction.Of(_card, Kernel(new LoopProfile(10, 64, 0, Loads: 8, LoadsInFlight: 2)), _matrix);
        Assert.Equal(Bound.Latency, fewer.Bound);
        Assert.Equal(16384.0 * 4096 * 2 * 500 / (32 * 64 * 8) / 1000, fewer.Microseconds, 3);
    }

    [Fact]
    public void Arithmetic_counts_the_busiest_simd()
    {
        // 256 passes of 6400 lanes at 32 a clock: 51200 clocks for a subgroup, 128 of them on each SIMD, at 1 GHz.
        Prediction p = Prediction.Of(_card, Kernel(new LoopProfile(100, 6400, 0, Loads: 8, LoadsInFlight: 8)), _matrix);
        Assert.Equal(Bound.Arithmetic, p.Bound);
        Assert.Equal(51200.0 * 128 / 1000, p.Microseconds, 3);
    }

    [Fact]
    public void A_slower_conversion_unit_counts_apart()
    {
        Card slow = _card with { Architecture = _card.Architecture with { ConvertLanesPerClock = 4 } };
        Prediction p = Prediction.Of(slow, Kernel(new LoopProfile(100, 6400, 1600, Loads: 8, LoadsInFlight: 8)), _matrix);
        Assert.Equal(256.0 * 400 * 128 / 1000, p.Microseconds, 3);
    }
}
