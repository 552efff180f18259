using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Tuning;

/// <summary>The weights one dispatch reads: a range of tiles, of gate and up two.</summary>
internal readonly record struct TunedWeights(BufferView First, BufferView Second, uint Rows);

/// <summary>
/// A product to tune and all the weights of a loaded model it is done with: measured one after the other they come from memory, as in a
/// step, and not from a cache.
/// </summary>
internal sealed record TunedProduct(ProductShape Shape, IReadOnlyList<TunedWeights> Weights)
{
    /// <summary>Bytes of all the weights: what a step over every expert would read.</summary>
    public ulong Bytes =>
        Weights.Aggregate(0ul, (sum, w) => sum + w.First.Length + (Shape.Kind == ProductKind.GateUp ? w.Second.Length : 0));

    /// <summary>The products of a model, those with the most weights first.</summary>
    public static IReadOnlyList<TunedProduct> Of(GpuWeights weights, ModelConfig config)
    {
        var products = new Dictionary<ProductShape, List<TunedWeights>>();
        foreach (LayerWeights layer in weights.Layers)
        {
            foreach (StackedMatrix stacked in layer.QueryKeyValue) Add(ProductKind.Dense, stacked.Matrix);
            Add(ProductKind.Dense, layer.AttentionOutput);
        }
        Add(ProductKind.Dense, weights.Output);
        for (int layer = 0; layer < config.LayerCount; layer++)
            for (int slot = 0; slot < weights.Experts.Slots.CountOf(layer); slot++) AddExpert(weights.Experts[layer, slot]);
        return [.. products.Select(p => new TunedProduct(p.Key, p.Value)).OrderByDescending(p => p.Bytes)];

        void AddExpert(ExpertWeights expert)
        {
            Add(ProductKind.Down, expert.Down);
            if (expert.Gate.Format == expert.Up.Format)
            {
                List<TunedWeights> list = ListOf(expert.Gate.ShapeFor(ProductKind.GateUp));
                foreach ((TileRange gate, TileRange up) in expert.Gate.Ranges.Zip(expert.Up.Ranges))
                    list.Add(new TunedWeights(gate.View, up.View, gate.RowCount));
                return;
            }
            Add(ProductKind.Down, expert.Gate);
            Add(ProductKind.Down, expert.Up);
        }

        void Add(ProductKind kind, GpuMatrix matrix) =>
            ListOf(matrix.ShapeFor(kind)).AddRange(matrix.Ranges.Select(range => new TunedWeights(range.View, default, range.RowCount)));

        List<TunedWeights> ListOf(ProductShape shape) =>
            products.TryGetValue(shape, out List<TunedWeights>? list) ? list : products[shape] = [];
    }
}
