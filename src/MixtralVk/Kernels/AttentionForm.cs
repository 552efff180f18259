namespace MixtralVk.Kernels;

/// <summary>
/// How a workgroup of attention shares what it computes. Each form adds in an order of its own, so a device keeps to one.
/// </summary>
internal enum AttentionForm
{
    /// <summary>
    /// 64 lanes take 256 keys at once, which share the largest score; sums and probabilities go through shared memory. Values add up by
    /// groups of lanes, each with four keys in turn, then the groups in ascending order.
    /// </summary>
    Wide,

    /// <summary>
    /// No more lanes than pass on by shuffles, without shared memory: they take runs of four keys a lane one after the other, as texels,
    /// where heads are a multiple of four long. Runs, and in them the values, add up in ascending order, scaled to the largest score so
    /// far.
    /// </summary>
    Narrow,
}

internal static class AttentionForms
{
    /// <summary>Lanes of a workgroup, of which so many pass on by shuffles.</summary>
    public static uint Lanes(this AttentionForm form, uint passingLanes) => form == AttentionForm.Narrow ? passingLanes : 64;
}
