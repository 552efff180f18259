using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>How attention runs in one row-count class. Every plan of one form gives the same bits.</summary>
/// <param name="Block">The queries of a workgroup.</param>
/// <param name="IsSplit">
/// Each 256 keys of a tile have a workgroup of their own, and a second kernel merges (decode: few rows, long contexts); else one workgroup
/// takes all keys of a tile (a chunk: its rows alone fill the device).
/// </param>
/// <param name="PassingLanes">Lanes that load for each other: no subgroup of the device is smaller.</param>
/// <param name="Form">How lanes work together: the same in all plans of a device.</param>
internal readonly record struct AttentionPlan(QueryBlock Block, bool IsSplit, uint PassingLanes, AttentionForm Form)
{
    /// <summary>Most rows whose keys are split.</summary>
    private const uint MostSplitRows = 16;

    /// <summary>Most memory for the results of splits, but for a single row's.</summary>
    private const ulong MostPartialBytes = 32 << 20;

    /// <summary>The plan for steps of up to <paramref name="maxRows"/> rows; the description holds the limits in force.</summary>
    public static AttentionPlan For(ModelConfig config, DeviceDescription device, uint maxSplits, uint maxRows)
    {
        bool isFew = maxRows <= SplitRows(config, maxSplits);
        // On the oldest of Intel's GPUs four queries of a chunk spill already.
        uint limit = device.VendorId == Vendors.Intel && !isFew ? 3u : uint.MaxValue;
        return new AttentionPlan(QueryBlock.For((uint)config.HeadCount, (uint)config.KvHeadCount, (uint)config.HeadDim,
            severalRows: !isFew, limit), isFew && maxSplits > 1,
            device.Limits.MinSubgroupSize >= 8 ? 8u : 4u,
            FormOn(device, config.HeadDim));
    }

    /// <summary>Narrow on software drivers, which read and write shared memory lane by lane.</summary>
    public static AttentionForm FormOn(DeviceDescription device, int headDim) =>
        device.Type == AdapterType.Software && CanBeNarrow(device, headDim) ? AttentionForm.Narrow : AttentionForm.Wide;

    /// <summary>False where a pool may be more texels than can be bound, or a texel would straddle heads.</summary>
    public static bool CanBeNarrow(DeviceDescription device, int headDim) => device.Limits.TexelsReachAll && headDim % 4 == 0;

    /// <summary>Most rows whose keys are split: as many as the memory for their results allows.</summary>
    public static uint SplitRows(ModelConfig config, uint maxSplits)
    {
        uint rows = MostSplitRows;
        while (rows > 1 && AttentionSplit.PartialBytes(rows, (uint)config.HeadCount, maxSplits, (uint)config.HeadDim) > MostPartialBytes)
            rows /= 4;
        return rows;
    }
}
