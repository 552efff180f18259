using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>The memory in which products whose columns are split over workgroups leave their parts until <see cref="AddParts"/> adds them.</summary>
internal static class SplitProducts
{
    /// <summary>Bytes that the product with the most parts needs in steps of up to <paramref name="maxBatchTokens"/>; 0 where none is split.</summary>
    public static ulong PartBytes(GpuWeights weights, ModelConfig config, ProductChoices choices, int maxBatchTokens) =>
        TokenClasses.Cover((uint)maxBatchTokens).Max(rows => Sizes(weights, config, choices, rows).Max());

    private static IEnumerable<ulong> Sizes(GpuWeights weights, ModelConfig config, ProductChoices choices, uint rows)
    {
        TokenClass tokens = TokenClasses.Of(rows);
        uint qkvDim = (uint)(config.QueryDim + 2 * config.KvDim), entries = rows * (uint)Math.Max(1, config.ExpertsPerToken);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            LayerWeights layerWeights = weights.Layers[layer];
            foreach (StackedMatrix stacked in layerWeights.QueryKeyValue) yield return Dense(stacked.Matrix, qkvDim);
            yield return Dense(layerWeights.AttentionOutput, layerWeights.AttentionOutput.Rows);
            ExpertProducts experts = ExpertProducts.Of(weights, layer, Math.Max(1, config.ExpertCount), choices, tokens);
            yield return Bytes(experts.GateUp.Wide, 2, entries, (uint)config.HiddenDim);
            yield return Bytes(experts.Down.Wide, 1, entries, (uint)config.Dim);
        }
        yield return Dense(weights.Output, weights.Output.Rows);

        ulong Dense(GpuMatrix matrix, uint outputStride) => Bytes(choices.For(matrix.ShapeFor(ProductKind.Dense), tokens), 1, rows, outputStride);
    }

    private static ulong Bytes(ProductVariant variant, uint matrices, uint rows, uint outputStride) =>
        variant.WorkgroupSplits > 1 ? (ulong)matrices * variant.WorkgroupSplits * AddParts.StrideOf(rows, outputStride) * sizeof(float) : 0;
}
