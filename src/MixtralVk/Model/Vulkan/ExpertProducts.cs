using MixtralVk.Kernels;
using MixtralVk.Loading;
using MixtralVk.Quantization;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// How the experts of a layer are multiplied with. The first expert decides for all, as their dispatches are sized together.
/// </summary>
/// <param name="IsFused">Gate and up run in one kernel: unless their formats differ in one of the experts.</param>
/// <param name="GateUp">Variants of gate and up.</param>
/// <param name="Down">Variants of down.</param>
internal readonly record struct ExpertProducts(bool IsFused, ExpertVariants GateUp, ExpertVariants Down)
{
    /// <summary>Those of a layer in steps of a class; the same wherever its experts lie.</summary>
    public static ExpertProducts Of(IReadOnlyList<ExpertLayout> experts, ProductChoices choices, TokenClass tokens)
    {
        bool isFused = experts.All(e => e.Gate.Format == e.Up.Format);
        return new ExpertProducts(isFused,
            Variants(isFused ? ProductKind.GateUp : ProductKind.Down, [.. experts.Select(e => e.Gate), .. experts.Select(e => e.Up)]),
            Variants(ProductKind.Down, [.. experts.Select(e => e.Down)]));

        ExpertVariants Variants(ProductKind kind, RowTileLayout[] matrices)
        {
            ExpertVariants variants =
                choices.ForExpert(new ProductShape(kind, matrices[0].Format, (uint)matrices[0].Rows, (uint)matrices[0].Cols), tokens);
            return matrices.All(m => QuantizeRows.Serves(m.Format)) ? variants : variants.InFloats();
        }
    }
}
