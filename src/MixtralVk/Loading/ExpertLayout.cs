using MixtralVk.Quantization;

namespace MixtralVk.Loading;

/// <summary>Format and shape of one expert's matrices, or of a dense block's.</summary>
internal readonly record struct ExpertLayout(RowTileLayout Gate, RowTileLayout Up, RowTileLayout Down)
{
    /// <summary>Bytes of all three.</summary>
    public long Bytes => Gate.Bytes + Up.Bytes + Down.Bytes;

    /// <summary>That of one expert of a model.</summary>
    public static ExpertLayout Of(ModelSource source, int layer, int expert) => new(
        source.Layout(MatrixRole.GateProj, layer, expert), source.Layout(MatrixRole.UpProj, layer, expert),
        source.Layout(MatrixRole.DownProj, layer, expert));

    /// <summary>Those of all experts of a model, [layer][expert].</summary>
    public static ExpertLayout[][] All(ModelSource source) =>
        [.. Enumerable.Range(0, source.Config.LayerCount).Select(layer =>
            Enumerable.Range(0, Math.Max(1, source.Config.ExpertCount)).Select(expert => Of(source, layer, expert)).ToArray())];

    /// <summary>Slots of each layer that a number of bytes has room for: as many everywhere, and one more in the first layers.</summary>
    public static int[] SlotsFor(ExpertLayout[][] layers, long bytes)
    {
        var counts = new int[layers.Length];
        for (int slot = 0; slot < layers[0].Length; slot++)
            for (int layer = 0; layer < layers.Length; layer++)
            {
                bytes -= layers[layer][slot].Bytes;
                if (bytes < 0) return counts;
                counts[layer]++;
            }
        return counts;
    }
}
