using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>Workgroup counts.</summary>
internal static class Grid
{
    /// <summary>Workgroups that cover <paramref name="count"/> things, <paramref name="perWorkgroup"/> each.</summary>
    public static uint Cover(uint count, uint perWorkgroup) => (count + perWorkgroup - 1) / perWorkgroup;

    /// <summary>The grid of a matrix product: rows, input rows, column splits.</summary>
    public static DispatchSize Product(ProductVariant variant, uint rows, uint inputRows) =>
        new(Cover(rows, variant.WorkgroupRows), Cover(inputRows, variant.TokensPerPass), variant.WorkgroupSplits);
}
