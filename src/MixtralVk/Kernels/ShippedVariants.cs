using System.Numerics;
using MixtralVk.Gpu;
using MixtralVk.Quantization;

namespace MixtralVk.Kernels;

/// <summary>The variants a device runs that nobody has measured, by vendor.</summary>
internal static class ShippedVariants
{
    /// <summary>The variant of a product in steps of a class.</summary>
    public static ProductVariant For(DeviceDescription device, ProductShape shape, TokenClass tokens)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Type != AdapterType.Software) return OnGpu(device, shape, tokens);
        ProductVariant variant = OnSoftware(shape, tokens);
        return ProductVariants.WhyNot(device, shape, tokens, variant) is null ? variant : new ProductVariant(4, variant.TokensPerPass);
    }

    /// <summary>What devices of every kind ship with: where a search may start.</summary>
    public static IEnumerable<ProductVariant> Everywhere(DeviceDescription device, ProductShape shape, TokenClass tokens) =>
        [OnGpu(device, shape, tokens), OnGpu(device with { Type = AdapterType.Integrated }, shape, tokens), OnSoftware(shape, tokens)];

    /// <summary>
    /// Columns are split until decoding fills the device, inside the workgroup and for cards over workgroups too; all classes keep the
    /// order of summation that makes. At most 8 splits of 64 lanes, so that a workgroup of AMD's older GPUs may still take 128 registers
    /// per lane. A chunk shares each decoded weight among 8 tokens on AMD, or 4 where blocks of 256 columns hold more scales, and 4
    /// elsewhere: more spill registers there (docs/vendors.md). NVIDIA's subgroups are 32 lanes; workgroups of half the lanes may take all
    /// 255 registers.
    /// </summary>
    private static ProductVariant OnGpu(DeviceDescription device, ProductShape shape, TokenClass tokens)
    {
        const uint lanes = 64;
        uint decodeRows = shape.Kind == ProductKind.GateUp || shape.Rows < 8192 ? 1u : 2u;
        uint workgroups = Grid.Cover(shape.Rows, lanes * decodeRows), wanted = device.Type == AdapterType.Integrated ? 128u : 512u;
        uint splits = Math.Min(BitOperations.RoundUpToPowerOf2(Grid.Cover(wanted, workgroups)),
            Math.Min(8, BitOperations.RoundUpToPowerOf2(device.Limits.MaxWorkgroupInvocations / lanes + 1) / 2));
        uint rows = tokens == TokenClass.One ? decodeRows : 2 / shape.Matrices;
        uint pass = tokens switch { TokenClass.One => 1, TokenClass.Few => 4,
            TokenClass.Batch or TokenClass.Chunk => device.VendorId == Vendors.Amd && BlockFormat.Of(shape.Format).Cols < 256 ? 8u : 4 };
        uint parts = device.Type == AdapterType.Integrated ? 1 : PartsOnCard(shape, workgroups * splits, splits);
        return new ProductVariant(rows, pass, device.VendorId == Vendors.Nvidia && tokens != TokenClass.One ? lanes / 2 : lanes, splits)
            .WithParts(parts, tokens);
    }

    /// <summary>
    /// A card needs some hundred KB on their way from memory (docs/vendors.md, "Decode, predicted"): 4096 subgroups of 64 lanes have them.
    /// Two experts of a gate and up matrix are so many rows that splitting them only adds work.
    /// </summary>
    private static uint PartsOnCard(ProductShape shape, uint groups, uint splits)
    {
        if (shape.Kind == ProductKind.GateUp) return 1;
        uint wanted = BitOperations.RoundUpToPowerOf2(Grid.Cover(4096, groups)),
            most = Math.Min(8, Math.Min(ProductVariants.MaxRuns, shape.Cols / ProductVariants.MinRunCols) / splits);
        return shape.Rows > ProductVariants.MaxSplitRows || most == 0 ? 1 : Math.Min(wanted, BitOperations.RoundUpToPowerOf2(most + 1) / 2);
    }

    /// <summary>
    /// llvmpipe makes vector code of texel fetches, and one load of a fetch that all lanes share; a lane's eight rows are a tile for eight
    /// lanes, its vector width with AVX (docs/performance.md). Of few tokens an expert gets one or two.
    /// </summary>
    private static ProductVariant OnSoftware(ProductShape shape, TokenClass tokens)
    {
        uint pass = tokens switch { TokenClass.One => 1, TokenClass.Few => shape.Kind == ProductKind.Dense ? 4 : 2u,
            TokenClass.Batch or TokenClass.Chunk => 4 };
        return new ProductVariant(8, pass, Lanes: 8, WeightFetch: WeightFetch.Texel,
            ActivationFetch: shape.Cols % 4 == 0 ? ActivationFetch.Texel : ActivationFetch.Storage);
    }
}
