using MixtralVk.Gpu;
using MixtralVk.Quantization;

namespace MixtralVk.Kernels;

/// <summary>
/// Which variants a device can run: pure functions of its description, with the limits in force in <see cref="DeviceDescription.Limits"/>.
/// </summary>
internal static class ProductVariants
{
    /// <summary>Most accumulators of a lane; more do not fit any GPU's registers.</summary>
    private const uint MaxAccumulators = 64;

    /// <summary>Most runs of columns, those of all parts together.</summary>
    public const uint MaxRuns = 64;

    /// <summary>Most parts over workgroups.</summary>
    public const uint MaxWorkgroupSplits = 8;

    /// <summary>Matrices of more rows fill a device without parts over workgroups, and theirs would take much memory.</summary>
    public const uint MaxSplitRows = 16384;

    /// <summary>Columns that a run should have: shorter ones only add work.</summary>
    public const uint MinRunCols = 128;

    /// <summary>Bytes of a texel: four words.</summary>
    private const long TexelBytes = 16;

    /// <summary>
    /// The variants worth measuring for a product of one token class that the device can run: those that read words row by row (one tile of
    /// lanes, more column splits for more parallelism, on GPUs over workgroups too), and those that fetch four rows at once (eight rows a
    /// lane, a tile or more of them).
    /// </summary>
    public static IEnumerable<ProductVariant> ValidOn(DeviceDescription device, ProductShape shape, TokenClass tokens)
    {
        ArgumentNullException.ThrowIfNull(device);
        uint[] passes = tokens switch { TokenClass.One => [1], TokenClass.Few => [2, 4], TokenClass.Batch or TokenClass.Chunk => [4, 8] };
        uint[] allParts = device.Type == AdapterType.Software ? [1] : [1, 2, 4, MaxWorkgroupSplits];
        IEnumerable<ProductVariant> storage =
            from rows in (uint[])[1, 2, 4]
            from pass in passes
            from lanes in device.VendorId == Vendors.Nvidia && pass > 1 ? (uint[])[64, 32] : [64]
            from splits in (uint[])[1, 2, 4, 8]
            from parts in allParts
            where parts == 1 || splits * parts * MinRunCols <= shape.Cols
            from activations in (ActivationFetch[])[ActivationFetch.Storage, ActivationFetch.Uniform]
            from subgroup in activations == ActivationFetch.Storage ? SubgroupSizes(device.Limits) : [0]
            select new ProductVariant(rows, pass, lanes, splits, SubgroupSize: subgroup, ActivationFetch: activations)
                .WithParts(parts, tokens);
        IEnumerable<ProductVariant> texels =
            from rows in (uint[])[4, 8]
            from pass in passes
            from lanes in (uint[])[64 / rows, 64]
            from splits in (uint[])[1, 2]
            from activations in (ActivationFetch[])[ActivationFetch.Texel, ActivationFetch.Storage]
            select new ProductVariant(rows, pass, lanes, splits, WeightFetch: WeightFetch.Texel, ActivationFetch: activations);
        // One rounding of the activations serves all rows: the packed dot products pay where the device has instructions for them.
        IEnumerable<ProductVariant> packed = !device.Features.IntegerDotProductAccelerated ? [] :
            storage.Where(v => v.ActivationFetch == ActivationFetch.Storage).Select(v => v with { Arithmetic = Arithmetic.PackedInt8 });
        return storage.Concat(texels).Concat(packed).Where(variant => WhyNot(device, shape, tokens, variant) is null);
    }

    /// <summary>Why the device cannot run a variant of a product in steps of a class, or null where it can.</summary>
    public static string? WhyNot(DeviceDescription device, ProductShape shape, TokenClass tokens, ProductVariant variant)
    {
        ArgumentNullException.ThrowIfNull(device);
        DeviceLimits limits = device.Limits;
        (uint rows, uint pass, uint lanes, uint columns, uint workgroups, uint runsPerLane, uint partsPerWorkgroup, uint subgroup,
            WeightFetch weights, ActivationFetch activations, Arithmetic arithmetic) = variant;
        uint accumulators = rows * pass * shape.Matrices, invocations = lanes * columns;
        uint shared = accumulators * lanes * sizeof(float) * ((columns > 1 ? 1u : 0u) + (partsPerWorkgroup > 1 ? 1u : 0u));
        long matrixBytes = Math.Min(new RowTileLayout(shape.Format, (int)shape.Rows, (int)shape.Cols).Bytes, limits.MaxStorageBufferRange);
        if (rows is not (1 or 2 or 4 or 8 or 16) || pass == 0 || lanes == 0 || columns == 0 || workgroups == 0 || runsPerLane == 0
            || partsPerWorkgroup == 0
            // A damaged file may say anything; products of two smaller numbers do not overflow.
            || (pass | lanes | columns | workgroups | runsPerLane | partsPerWorkgroup) > ushort.MaxValue) return $"{variant} does not cut the work";
        if (arithmetic == Arithmetic.CooperativeMatrix) return $"{variant} is not built";
        if (arithmetic == Arithmetic.PackedInt8 && (!QuantizeRows.Serves(shape.Format) || activations != ActivationFetch.Storage))
            return $"{variant} has no packed dot products for {shape.Format}";
        if (arithmetic == Arithmetic.PackedInt8 && !device.Features.IntegerDotProduct)
            return $"{variant} needs integer dot products, which the device does not offer";
        if (accumulators > MaxAccumulators) return $"{variant} needs {accumulators} accumulators per lane, more than {MaxAccumulators}";
        if (variant.SummationOrder is var order && order.Runs * order.Parts > MaxRuns) return $"{variant} has more than {MaxRuns} runs";
        if (runsPerLane > 1 && columns > 1) return $"{variant} both splits columns and takes several runs per lane";
        if (partsPerWorkgroup > 1 && workgroups > 1)
            return $"{variant} both splits columns over workgroups and takes several parts in each";
        if (workgroups > 1 && (tokens == TokenClass.Chunk || workgroups > MaxWorkgroupSplits || shape.Rows > MaxSplitRows))
            return $"{variant} splits columns over workgroups where the parts would take much memory";
        if (invocations > limits.MaxWorkgroupInvocations)
            return $"{variant} needs {invocations} invocations, the device has {limits.MaxWorkgroupInvocations}";
        if (shared > limits.MaxSharedMemory)
            return $"{variant} needs {shared} bytes of shared memory, the device has {limits.MaxSharedMemory}";
        if (subgroup > 0 && (subgroup < limits.MinSubgroupSize || subgroup > limits.MaxSubgroupSize))
            return $"the device has no subgroups of {subgroup}";
        if (weights == WeightFetch.Texel && rows < 4) return $"{variant} fetches four rows at once for less than four";
        if (weights == WeightFetch.Texel && matrixBytes / TexelBytes > limits.MaxTexelBufferElements)
            return $"{variant} needs more texels than the device's {limits.MaxTexelBufferElements}";
        if (activations != ActivationFetch.Storage && shape.Cols % 4 != 0) return $"{variant} reads four columns at once of {shape.Cols}";
        if (activations == ActivationFetch.Texel && !limits.TexelsReachAll)
            return $"{variant} may need more texels than the device's {limits.MaxTexelBufferElements}";
        if (activations == ActivationFetch.Uniform && (shape.Kind == ProductKind.Down
            || (long)tokens.MaxTokens() * shape.Cols * sizeof(float) > Math.Min(limits.MaxUniformBufferRange, UniformBytes)))
            return $"{variant} needs more activations than a uniform buffer holds";
        return null;
    }

    /// <summary>What the shaders declare of a uniform buffer.</summary>
    private const uint UniformBytes = 64 << 10;

    /// <summary>
    /// The variant with its columns in so many parts: over workgroups, but of a chunk, whose tokens fill the device, one after the other.
    /// </summary>
    public static ProductVariant WithParts(this ProductVariant variant, uint parts, TokenClass tokens) =>
        tokens == TokenClass.Chunk ? variant with { PartsPerWorkgroup = parts } : variant with { WorkgroupSplits = parts };

    private static uint[] SubgroupSizes(DeviceLimits limits) =>
        [0, .. ((uint[])[8, 16, 32, 64]).Where(size =>
            size >= limits.MinSubgroupSize && size <= limits.MaxSubgroupSize && limits.MinSubgroupSize < limits.MaxSubgroupSize)];
}
