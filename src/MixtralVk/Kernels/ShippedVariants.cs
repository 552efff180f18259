using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>The variants a device runs that nobody has measured, by vendor.</summary>
internal static class ShippedVariants
{
    /// <summary>Intel's PCI vendor id.</summary>
    private const uint Intel = 0x8086;

    /// <summary>The variant of a product in steps of a class.</summary>
    public static ProductVariant For(DeviceDescription device, ProductShape shape, TokenClass tokens)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.Type == AdapterType.Software ? OnSoftware(tokens) : OnGpu(device, shape, tokens);
    }

    /// <summary>
    /// Many small workgroups hide a GPU's latencies; a chunk shares each decoded weight among 16 tokens, but 8 where Intel's 128 registers
    /// hold both gate and up (docs/vendors.md).
    /// </summary>
    private static ProductVariant OnGpu(DeviceDescription device, ProductShape shape, TokenClass tokens) => tokens switch
    {
        TokenClass.One => new ProductVariant(1, 1, 2),
        TokenClass.Few => new ProductVariant(1, 4, 2),
        TokenClass.Batch or TokenClass.Chunk => new ProductVariant(1, device.VendorId == Intel && shape.Kind == ProductKind.GateUp ? 8u : 16, 2),
    };

    /// <summary>A software driver loads each activation lane by lane, so many rows must share it (docs/performance.md).</summary>
    private static ProductVariant OnSoftware(TokenClass tokens) => tokens switch
    {
        TokenClass.One => new ProductVariant(4, 1, 2),
        TokenClass.Few => new ProductVariant(4, 4, 2),
        TokenClass.Batch or TokenClass.Chunk => new ProductVariant(8, 4, 2),
    };
}
