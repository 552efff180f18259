using MixtralVk.Kernels;
using MixtralVk.Model;
using MixtralVk.Quantization;

namespace VendorReport;

/// <summary>A matrix of a layer (or of the head) as decode runs it.</summary>
/// <param name="Name">As in the papers.</param>
/// <param name="Kind">Which kernel.</param>
/// <param name="Rows">Outputs of one matrix.</param>
/// <param name="Cols">Inputs.</param>
/// <param name="Concurrent">Dispatches that run side by side: the experts of a token.</param>
/// <param name="PerToken">How often a token runs it.</param>
internal sealed record ModelMatrix(string Name, ProductKind Kind, uint Rows, uint Cols, uint Concurrent, uint PerToken)
{
    /// <summary>The matrix in a weight format.</summary>
    public ProductShape In(WeightFormat format) => new(Kind, format, Rows, Cols);
}

/// <summary>Mixtral 8x7B.</summary>
internal static class MixtralShape
{
    public static ModelConfig Config { get; } = new()
    {
        Name = "Mixtral 8x7B", LayerCount = 32, Dim = 4096, HeadCount = 32, KvHeadCount = 8, HeadDim = 128,
        HiddenDim = 14336, ExpertCount = 8,
        ExpertsPerToken = 2, VocabSize = 32000, ContextLength = 32768, RopeBase = 1e6f, RopeDim = 128, RmsEpsilon = 1e-5f,
    };

    /// <summary>Every product of a token; the router is a kernel of its own.</summary>
    public static IReadOnlyList<ModelMatrix> Matrices { get; } =
    [
        // One dispatch: the three lie on top of each other.
        new("q, k, v", ProductKind.Dense, 6144, 4096, 1, 32),
        new("o", ProductKind.Dense, 4096, 4096, 1, 32),
        new("gate, up", ProductKind.GateUp, 14336, 4096, 2, 32),
        new("down", ProductKind.Down, 4096, 14336, 2, 32),
        new("output", ProductKind.Dense, 32000, 4096, 1, 1),
    ];
}
