using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// How the kernels of one row-count class are shaped. All classes add in the same order, so a row's bits do not depend on its class.
/// </summary>
/// <param name="MaxRows">Most rows of the class.</param>
/// <param name="TokensPerPass">Rows that share one decoding of the weights.</param>
/// <param name="RowsPerLane">Tiles of a workgroup of a matrix product.</param>
/// <param name="NarrowTokens">Tokens per pass of the narrow expert variant.</param>
/// <param name="NarrowLimit">Most tokens of an expert for which the narrow variant runs.</param>
internal sealed record PassShape(uint MaxRows, uint TokensPerPass, uint RowsPerLane, uint NarrowTokens, uint NarrowLimit)
{
    private static readonly uint[] SmallClasses = [1, 4, 16];

    /// <summary>True when an expert can get more tokens than the narrow variant serves.</summary>
    public bool HasWide => MaxRows > NarrowLimit;

    /// <summary>The classes for steps of up to <paramref name="maxBatchTokens"/> tokens: 1, up to 4, up to 16, a chunk.</summary>
    public static IReadOnlyList<PassShape> Classes(DeviceDescription device, int maxBatchTokens)
    {
        // Several rows per lane reuse each activation, but leave a large GPU with too few workgroups to hide its latencies.
        uint rowsPerLane = device.Type == AdapterType.Software ? 4u : 1u;
        uint most = (uint)maxBatchTokens;
        return [.. SmallClasses.Where(rows => rows < most).Append(most).Select(rows => rows switch
        {
            1 => new PassShape(rows, 1, rowsPerLane, 1, 1),
            <= 4 => new PassShape(rows, 4, rowsPerLane, 1, 1),
            _ => new PassShape(rows, 8, 1, 4, 4),
        })];
    }
}
