using MixtralVk.Quantization;

namespace MixtralVk.Loading;

/// <summary>Format and shape of one expert's matrices, or of a dense block's.</summary>
internal readonly record struct ExpertLayout(RowTileLayout Gate, RowTileLayout Up, RowTileLayout Down)
{
    /// <summary>Bytes of all three.</summary>
    public long Bytes => Gate.Bytes + Up.Bytes + Down.Bytes;

    /// <summary>That of one expert of a model.</summary>
    public static ExpertLayout Of(ModelSource source, int layer, int expert) => new(
        source.Layout(MatrixRole.GateProj, layer, expert), source.Layout(MatrixRole.UpProj, layer, expert), source.Layout(MatrixRole.DownProj, layer, expert));
}
