namespace VendorReport.Tests;

/// <summary>Occupancy against what RADV states for the same kernels (its number for RDNA is for two SIMDs).</summary>
public sealed class OccupancyTests
{
    [Theory]
    [InlineData(36, 512, 7)]
    [InlineData(40, 1024, 6)]
    [InlineData(48, 4096, 5)]
    [InlineData(128, 16384, 2)]
    public void Polaris(int registers, int shared, int expected) =>
        Assert.Equal(expected, Architecture.Polaris.Occupancy(registers, 64, shared, 2));

    [Theory]
    [InlineData(40, 1024, 12)]
    [InlineData(48, 4096, 10)]
    [InlineData(128, 16384, 4)]
    public void Rdna2(int registers, int shared, int expected) =>
        Assert.Equal(expected, Architecture.Rdna2.Occupancy(registers, 64, shared, 2));

    [Theory]
    [InlineData(48, 4096, 16)]
    [InlineData(132, 16384, 4)]
    public void Rdna3(int registers, int shared, int expected) =>
        Assert.Equal(expected, Architecture.Rdna3.Occupancy(registers, 64, shared, 2));

    [Fact]
    public void Nvidia_is_limited_by_registers_and_by_workgroups()
    {
        Assert.Equal(10, Architecture.Ampere.Occupancy(48, 32, 0, 4));
        Assert.Equal(4, Architecture.Ampere.Occupancy(32, 32, 0, 1) / 3);
        Assert.Equal(8, Architecture.Turing.Occupancy(32, 32, 512, 4));
    }

    [Fact]
    public void Intels_threads_have_registers_of_their_own() => Assert.Equal(7, Architecture.Gen9.Occupancy(120, 16, 512, 8));
}
