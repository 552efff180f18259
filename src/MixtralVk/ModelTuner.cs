using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Loading;
using MixtralVk.Model.Vulkan;
using MixtralVk.Tuning;

namespace MixtralVk;

/// <summary>A kernel variant that tuning chose.</summary>
/// <param name="Product">Kernel, weight format and shape.</param>
/// <param name="Tokens">Class of steps: one token, few, a batch, a chunk of a prompt.</param>
/// <param name="Shipped">The variant without tuning.</param>
/// <param name="Tuned">The variant now in use.</param>
public sealed record TunedVariant(string Product, string Tokens, string Shipped, string Tuned);

/// <summary>What tuning did.</summary>
/// <param name="Device">The device.</param>
/// <param name="File">Where the choices are kept.</param>
/// <param name="Variants">The choices for this model.</param>
public sealed record TuningReport(string Device, string File, IReadOnlyList<TunedVariant> Variants);

/// <summary>
/// Measures the kernel variants of a model on this machine's device and keeps the fastest for later loads, per device, driver and kernel
/// versions, in <see cref="MixtralOptions.PipelineCacheDirectory"/>. Loading measures a few candidates by itself; this measures all.
/// </summary>
public static class ModelTuner
{
    /// <summary>
    /// Tunes for a model file. Run it while nothing else uses the device. Throws <see cref="ModelFileException"/>,
    /// <see cref="GpuException"/>, <see cref="DeviceNotFoundException"/>, <see cref="OperationCanceledException"/>, or
    /// <see cref="IOException"/> when the choices cannot be stored.
    /// </summary>
    /// <param name="path">The model.</param>
    /// <param name="options">Which device, and in PipelineCacheDirectory where to keep the choices (required).</param>
    /// <param name="progress">Told before each measurement.</param>
    /// <param name="cancellation">Stops it; nothing is stored then.</param>
    public static TuningReport Tune(string path, MixtralOptions options, IProgress<TuningProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        string folder = options.PipelineCacheDirectory
            ?? throw new ArgumentException("PipelineCacheDirectory says where the choices are kept: set it.", nameof(options));
        using ModelSource source = ModelSource.Open(path);
        using GpuInstance instance =
            GpuInstance.Create(new GpuOptions { MemoryBudget = options.MemoryBudgetBytes, PipelineCacheDirectory = folder });
        int adapter = AdapterChoice.Choose(options with { Device = DeviceKind.Vulkan }, [.. instance.Adapters.Select(a => a.Description)]);
        using GpuDevice device = GpuDevice.Open(instance.Adapters[adapter], VulkanForwardPass.Shaders);
        using GpuWeights weights = GpuWeights.Reserve(device, source, null, null);
        weights.Read(null, cancellation);

        var file = new TuningFile(folder, device.Description, VulkanForwardPass.Shaders);
        ProductChoices shipped = ProductChoices.Shipped(device.Description);
        ProductChoices tuned = Tuner.Run(device, weights, source.Config, file.Read() ?? shipped, progress, cancellation);
        file.Write(tuned);
        TunedVariant[] variants =
        [
            .. TunedProduct.Of(weights, source.Config).SelectMany(product => TokenClasses.All.Select(tokens => new TunedVariant(
                product.Shape.ToString(), tokens.ToString(), shipped.For(product.Shape, tokens).ToString(),
                tuned.For(product.Shape, tokens).ToString()))),
        ];
        return new TuningReport(device.Description.Name, file.FilePath, variants);
    }
}
