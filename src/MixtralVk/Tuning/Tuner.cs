using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Tuning;

/// <summary>How far tuning is.</summary>
/// <param name="Done">Products tuned.</param>
/// <param name="Total">Products of the model.</param>
/// <param name="What">The variant that is being measured.</param>
public readonly record struct TuningProgress(int Done, int Total, string What);

/// <summary>Measures which variants of the matrix products are fastest for a model on a device.</summary>
internal static class Tuner
{
    // Of the first start: it should not be felt.
    private const int QuickCandidates = 4;

    /// <summary>Every product in every class of tokens. Takes seconds on a GPU, minutes on a software driver.</summary>
    public static ProductChoices Run(GpuDevice device, GpuWeights weights, ModelConfig config, ProductChoices start,
        IProgress<TuningProgress>? progress, CancellationToken cancellation)
    {
        IReadOnlyList<TunedProduct> products = TunedProduct.Of(weights, config);
        for (int i = 0; i < products.Count; i++)
        {
            TunedProduct product = products[i];
            int done = i;
            using var timer = new ProductTimer(device, product, new DispatchTimer(device));
            var search = new VariantSearch(device.Description, (variant, tokens) =>
            {
                progress?.Report(new TuningProgress(done, products.Count, $"{product.Shape} {tokens}: {variant}"));
                return timer.Seconds(variant, tokens, cancellation);
            });
            start = start.With(product.Shape, search.Run(product.Shape, start));
        }
        progress?.Report(new TuningProgress(products.Count, products.Count, ""));
        return start;
    }

    /// <summary>
    /// What a model that was just loaded runs with: the stored choices, and for a model shape that was never measured a few candidates.
    /// Without a folder to keep them nothing is measured.
    /// </summary>
    public static ProductChoices OnLoad(GpuDevice device, GpuWeights weights, ModelConfig config, string? folder,
        CancellationToken cancellation)
    {
        ProductChoices shipped = ProductChoices.Shipped(device.Description);
        if (folder is null) return shipped;
        var file = new TuningFile(folder, device.Description, VulkanForwardPass.Shaders);
        ProductChoices choices = file.Read() ?? shipped;
        TunedProduct hottest = TunedProduct.Of(weights, config)[0];
        if (choices.Measured.Any(c => c.Shape == hottest.Shape)) return choices;
        try
        {
            choices = RunQuickly(device, hottest, choices, cancellation);
            file.Write(choices);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OutOfGpuMemoryException or GpuUnsupportedException)
        {
            // No disk, no memory or no clock for measuring: the model runs as shipped.
        }
        return choices;
    }

    /// <summary>
    /// A few candidates for decoding with one product, in the order of the shipped one, so that texts do not depend on the measurement.
    /// </summary>
    private static ProductChoices RunQuickly(GpuDevice device, TunedProduct product, ProductChoices start, CancellationToken cancellation)
    {
        using var timer = new ProductTimer(device, product, new DispatchTimer(device, samples: 3, submissionSeconds: 0.01));
        var search = new VariantSearch(device.Description, (variant, tokens) => timer.Seconds(variant, tokens, cancellation));
        SummationOrder order = start.For(product.Shape, TokenClass.One).SummationOrder;
        ProductVariant best = search.Starts(product.Shape, TokenClass.One, start, order).Take(QuickCandidates)
            .MinBy(v => timer.Seconds(v, TokenClass.One, cancellation));
        var variants = TokenClasses.All.ToDictionary(tokens => tokens, tokens => start.For(product.Shape, tokens));
        variants[TokenClass.One] = best;
        return start.With(product.Shape, variants);
    }
}
