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
    public static IReadOnlyList<PassShape> Classes(AdapterType device, int maxBatchTokens) =>
        [.. SmallClasses.Where(rows => rows < maxBatchTokens).Append((uint)maxBatchTokens).Select(rows => device == AdapterType.Software ? OnSoftware(rows) : OnGpu(rows))];

    /// <summary>Many small workgroups hide a GPU's latencies; a chunk shares each decoded weight among 16 tokens.</summary>
    private static PassShape OnGpu(uint rows) => rows switch
    {
        1 => new PassShape(rows, 1, 1, 1, 1),
        <= 4 => new PassShape(rows, 4, 1, 1, 1),
        _ => new PassShape(rows, 16, 1, 4, 4),
    };

    /// <summary>
    /// A software driver loads each activation lane by lane, so many rows must share it (docs/performance.md); an expert's few tokens run in
    /// the same shape as many.
    /// </summary>
    private static PassShape OnSoftware(uint rows) => rows switch
    {
        1 => new PassShape(rows, 1, 4, 1, 1),
        <= 4 => new PassShape(rows, 4, 4, 4, 4),
        _ => new PassShape(rows, 4, 8, 4, rows),
    };
}
