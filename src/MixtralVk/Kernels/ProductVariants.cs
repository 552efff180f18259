using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>Which variants a device can run: pure functions of its description, with the limits in force in <see cref="DeviceDescription.Limits"/>.</summary>
internal static class ProductVariants
{
    /// <summary>Most accumulators of a lane; more do not fit any GPU's registers.</summary>
    private const uint MaxAccumulators = 64;

    private static readonly uint[] RowsPerLane = [1, 2, 4, 8], TokensPerPass = [1, 2, 4, 8, 16], ColumnSplits = [1, 2];

    /// <summary>Every variant the device can run for a product of one token class.</summary>
    public static IEnumerable<ProductVariant> ValidOn(DeviceDescription device, ProductShape shape, TokenClass tokens)
    {
        ArgumentNullException.ThrowIfNull(device);
        foreach (uint rows in RowsPerLane)
            foreach (uint pass in TokensPerPass.Where(t => t == 1 || t / 2 < tokens.MaxTokens()))
                foreach (uint splits in ColumnSplits)
                {
                    var variant = new ProductVariant(rows, pass, splits);
                    if (WhyNot(device, shape, variant) is null) yield return variant;
                }
    }

    /// <summary>Why the device cannot run a variant, or null where it can.</summary>
    public static string? WhyNot(DeviceDescription device, ProductShape shape, ProductVariant variant)
    {
        ArgumentNullException.ThrowIfNull(device);
        DeviceLimits limits = device.Limits;
        uint accumulators = variant.RowsPerLane * variant.TokensPerPass * shape.Matrices, lanes = 64 * variant.ColumnSplits;
        uint shared = variant.ColumnSplits > 1 ? accumulators * 64 * sizeof(float) : 0;
        if (variant.RowsPerLane == 0 || variant.TokensPerPass == 0 || variant.ColumnSplits == 0 || variant.WorkgroupSplits == 0) return $"{variant} does nothing";
        if (accumulators > MaxAccumulators) return $"{variant} needs {accumulators} accumulators per lane, more than {MaxAccumulators}";
        if (lanes > limits.MaxWorkgroupInvocations) return $"{variant} needs {lanes} invocations, the device has {limits.MaxWorkgroupInvocations}";
        if (shared > limits.MaxSharedMemory) return $"{variant} needs {shared} bytes of shared memory, the device has {limits.MaxSharedMemory}";
        if (variant.WorkgroupSplits > 1 || variant.SubgroupSize > 0 || variant.WeightFetch != WeightFetch.Storage || variant.ActivationFetch != ActivationFetch.Storage
            || variant.Arithmetic != Arithmetic.Float) return $"{variant} is not built";
        return null;
    }
}
