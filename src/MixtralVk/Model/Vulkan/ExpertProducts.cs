using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>How the experts of a layer are multiplied with. The first expert decides for all, as their dispatches are sized together.</summary>
/// <param name="IsFused">Gate and up run in one kernel: unless their formats differ in one of the experts.</param>
/// <param name="GateUp">Variants of gate and up.</param>
/// <param name="Down">Variants of down.</param>
internal readonly record struct ExpertProducts(bool IsFused, ExpertVariants GateUp, ExpertVariants Down)
{
    /// <summary>Those of a layer in steps of a class.</summary>
    public static ExpertProducts Of(GpuWeights weights, int layer, int experts, ProductChoices choices, TokenClass tokens)
    {
        ExpertWeights[] all = [.. Enumerable.Range(0, experts).Select(expert => weights.Experts.Of(layer, expert))];
        bool isFused = all.All(e => e.Gate.Format == e.Up.Format);
        return new ExpertProducts(isFused, Variants(isFused ? ProductKind.GateUp : ProductKind.Down, [.. all.Select(e => e.Gate), .. all.Select(e => e.Up)]),
            Variants(ProductKind.Down, [.. all.Select(e => e.Down)]));

        ExpertVariants Variants(ProductKind kind, GpuMatrix[] matrices)
        {
            ExpertVariants variants = choices.ForExpert(matrices[0].ShapeFor(kind), tokens);
            return matrices.All(m => QuantizeRows.Serves(m.Format)) ? variants : variants.InFloats();
        }
    }
}
