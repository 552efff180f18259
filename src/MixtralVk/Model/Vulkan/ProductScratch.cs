using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>What the products of a step need besides activations, each of them at its time.</summary>
/// <param name="PartBytes">For the parts of products whose columns are split over workgroups, until <see cref="AddParts"/> adds
/// them.</param>
/// <param name="QuantBytes">For the rounded inputs of products with packed dot products (<see cref="QuantizeRows"/>).</param>
internal readonly record struct ProductScratch(ulong PartBytes, ulong QuantBytes)
{
    /// <summary>The most that any product needs in steps of up to <paramref name="maxBatchTokens"/>.</summary>
    public static ProductScratch Of(GpuWeights weights, ModelConfig config, ProductChoices choices, int maxBatchTokens)
    {
        ProductScratch[] needs = [.. TokenClasses.Cover((uint)maxBatchTokens).SelectMany(rows => Needs(weights, config, choices, rows))];
        return new ProductScratch(needs.Max(n => n.PartBytes), needs.Max(n => n.QuantBytes));
    }

    private static IEnumerable<ProductScratch> Needs(GpuWeights weights, ModelConfig config, ProductChoices choices, uint rows)
    {
        TokenClass tokens = TokenClasses.Of(rows);
        uint qkvDim = (uint)(config.QueryDim + 2 * config.KvDim), entries = rows * (uint)Math.Max(1, config.ExpertsPerToken);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            LayerWeights layerWeights = weights.Layers[layer];
            foreach (StackedMatrix stacked in layerWeights.QueryKeyValue) yield return Dense(stacked.Matrix, qkvDim);
            yield return Dense(layerWeights.AttentionOutput, layerWeights.AttentionOutput.Rows);
            ExpertProducts experts = ExpertProducts.Of(weights.Experts.LayoutsOf(layer), choices, tokens);
            yield return Of(experts.GateUp.Wide, 2, entries, (uint)config.Dim, (uint)config.HiddenDim);
            yield return Of(experts.Down.Wide, 1, entries, (uint)config.HiddenDim, (uint)config.Dim);
        }
        yield return Dense(weights.Output, weights.Output.Rows);

        ProductScratch Dense(GpuMatrix matrix, uint outputStride) =>
            Of(choices.For(matrix.ShapeFor(ProductKind.Dense), tokens), 1, rows, matrix.Cols, outputStride);
    }

    private static ProductScratch Of(ProductVariant variant, uint matrices, uint rows, uint cols, uint outputStride) => new(
        variant.WorkgroupSplits > 1 ? (ulong)matrices * variant.WorkgroupSplits * AddParts.StrideOf(rows, outputStride) * sizeof(float) : 0,
        variant.Arithmetic == Arithmetic.PackedInt8 ? (ulong)rows * QuantizeRows.WordsOf(cols) * sizeof(uint) : 0);
}
